// node tint.mjs FILE...: hands each WGSL file to Tint, the compiler of Chrome, and says what it refuses. Exits with 1 if it
// refuses any.
import { readFileSync } from 'node:fs';
import { create } from 'webgpu';

// Kept, as are the modules: the bindings may free what nobody holds while Dawn still works on it.
const gpu = create(['backend=null']);
const adapter = await gpu.requestAdapter();
if (!adapter) throw new Error('Dawn has no adapter');
const device = await adapter.requestDevice();
const modules = [];
let refused = 0;
for (const file of process.argv.slice(2)) {
    const code = readFileSync(file, 'utf8');
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code });
    modules.push(module);
    const { messages } = await module.getCompilationInfo();
    const error = await device.popErrorScope();
    if (!error) continue;
    refused += 1;
    console.log(`${file}: Tint refuses it`);
    for (const { type, lineNum, message } of messages) console.log(`  ${type}, line ${lineNum}: ${message}\n    ${code.split('\n')[lineNum - 1]}`);
    if (!messages.length) console.log(`  ${error.message}`);
}
// At once: Dawn's own end may wait for ever.
process.reallyExit(refused ? 1 : 0);
