// CUB's DeviceReduce over the data of ../gpu.rs: nvcc -O3 -arch=native device_sum.cu -o device_sum && ./device_sum [elements]
//
// Best of nine rounds of eight repetitions each, by CUDA events, beside the device's own copy in the same run. CUB ships
// with the CUDA toolkit. Prints GB/s (1e9 bytes; a copy reads and writes) and the ratio to the copy.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cub/cub.cuh>
#include <vector>

#define CHECK(call)                                                                      \
    do {                                                                                 \
        cudaError_t error = (call);                                                      \
        if (error != cudaSuccess) {                                                      \
            std::fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error));          \
            std::exit(1);                                                                \
        }                                                                                \
    } while (0)

template <typename Work> static double seconds(Work work) {
    const int rounds = 9, repeats = 8;
    cudaEvent_t begin, end;
    CHECK(cudaEventCreate(&begin));
    CHECK(cudaEventCreate(&end));
    double best = 1e30;
    for (int round = 0; round < rounds; round++) {
        CHECK(cudaEventRecord(begin));
        for (int i = 0; i < repeats; i++) work();
        CHECK(cudaEventRecord(end));
        CHECK(cudaEventSynchronize(end));
        float milliseconds = 0;
        CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
        best = std::min(best, milliseconds * 1e-3 / repeats);
    }
    return best;
}

static void race(size_t n) {
    std::vector<float> items(n);
    for (size_t i = 0; i < n; i++) items[i] = float((i * 2654435761u) >> 8 & 0xffff) / 65536.0f - 0.5f;
    float *in, *copy, *out;
    CHECK(cudaMalloc(&in, n * 4));
    CHECK(cudaMalloc(&copy, n * 4));
    CHECK(cudaMalloc(&out, 4));
    CHECK(cudaMemcpy(in, items.data(), n * 4, cudaMemcpyHostToDevice));
    size_t bytes = 0;
    CHECK(cub::DeviceReduce::Sum(nullptr, bytes, in, out, n));
    void *scratch;
    CHECK(cudaMalloc(&scratch, bytes));
    double copied = seconds([&] { CHECK(cudaMemcpyAsync(copy, in, n * 4, cudaMemcpyDeviceToDevice)); });
    double summed = seconds([&] { CHECK(cub::DeviceReduce::Sum(scratch, bytes, in, out, n)); });
    double greatest = seconds([&] { CHECK(cub::DeviceReduce::Max(scratch, bytes, in, out, n)); });
    std::printf("%zu f32\n  copy (read + write)  %8.1f\n", n, 8e-9 * n / copied);
    std::printf("  cub sum              %8.1f  %.2f of copy\n", 4e-9 * n / summed, copied / 2 / summed);
    std::printf("  cub max              %8.1f  %.2f of copy\n", 4e-9 * n / greatest, copied / 2 / greatest);
    for (void *pointer : {(void *)in, (void *)copy, (void *)out, scratch}) CHECK(cudaFree(pointer));
}

int main(int count, char **arguments) {
    cudaDeviceProp device;
    CHECK(cudaGetDeviceProperties(&device, 0));
    std::printf("%s, CUB %d: GB/s\n", device.name, CUB_VERSION);
    if (count > 1) {
        race(std::strtoull(arguments[1], nullptr, 10));
        return 0;
    }
    for (size_t n : {size_t(1) << 28, size_t(1) << 29, size_t(1) << 30}) race(n);
}
