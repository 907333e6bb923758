//! `strix tune`: many trainings, chosen by what earlier ones came to.

mod outputs;
mod plan;
mod processes;
mod trial;
mod worker;

use std::io::Write;
use std::time::{Duration, Instant};

use strix_train::run::shell_word;

use crate::args::Tune;
use crate::commands::dataset;
use crate::failure::Failure;
use crate::interrupt;
use plan::Plan;

pub(crate) fn run(args: Tune) -> Result<(), Failure> {
    let started = Instant::now();
    let mut plan = Plan::of(args)?;
    interrupt::listen()?;
    if plan.args.worker {
        interrupt::listen_to_the_end_of_input();
        let loaded = dataset::load(plan.dataset(), plan.args.settings.image_size, &plan.args.settings.place)?;
        return worker::work(&plan, &loaded.data, started);
    }
    let loaded = dataset::load_loudly(&plan.args.settings)?;
    let mut study = plan.begin(&loaded.data)?;
    let before = study.trials()?.len();
    writeln!(
        std::io::stdout(),
        "study {:?} in {}, {before} trials of {}; {}",
        study.name(),
        plan.place(),
        plan.limit(),
        plan.out.display()
    )?;
    let done = match plan.args.jobs {
        1 => worker::work(&plan, &loaded.data, started),
        _ => {
            drop(loaded);
            processes::run(&plan, started)
        }
    };
    let written = outputs::write(&plan, &mut study, started.elapsed());
    done?;
    if interrupt::requested() {
        // Who read the output may have been stopped by the same keys.
        if let Err(failure) = written
            && !matches!(failure, Failure::Closed)
        {
            return Err(failure);
        }
        return Err(Failure::Interrupted(format!("stopped; {}", go_on(&plan))));
    }
    let written = written?;
    if !written.all_ended {
        writeln!(std::io::stdout(), "out of time; {}", go_on(&plan))?;
    }
    written.in_vain.map_or(Ok(()), |why| Err(Failure::Diverged(why)))
}

/// The command that goes on with the study.
fn go_on(plan: &Plan) -> String {
    let hidden = plan.place().contains("***") && std::env::var_os("STRIX_STORAGE").is_none();
    let more = if hidden { ", and --storage as before, whose password is not kept" } else { "" };
    format!("go on with strix tune --resume {}{more}", shell_word(&plan.out))
}

/// How long a worker waits before it asks again for something to do.
const PAUSE: Duration = Duration::from_millis(500);
