//! Whole builds of real projects.

use std::path::PathBuf;

use super::kit::Kit;
use super::lanes::{Course, Lane};
use super::machine::{self, Machine};
use super::options::{BuildOptions, Common, Incremental};
use super::phases::{self, Phase};
use super::projects::Project;
use super::report::{ProjectReport, Report};
use super::tools::Tool;
use super::{Outcome, files, table};

/// What is measured of every project.
pub struct Plan {
    pub tools: Vec<(Tool, PathBuf)>,
    pub phases: Vec<Phase>,
    pub rounds: usize,
    pub incremental: Incremental,
    pub cargo_args: Vec<String>,
    pub remap: bool,
}

/// `cargo xtask bench`.
pub fn run(options: &BuildOptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    let mut phases = options.phases.clone();
    phases.sort();
    phases.dedup();
    let plan = Plan {
        tools: kit.muster(&options.tools),
        phases,
        rounds: options.rounds,
        incremental: options.incremental,
        cargo_args: options.cargo_args.split_whitespace().map(str::to_owned).collect(),
        remap: options.remap,
    };
    let mut projects = Vec::new();
    for name in &options.projects {
        let project = Project::prepare(&kit, name, options.edit_file.as_deref())?;
        projects.push(measure(&kit, &project, &plan)?);
    }
    publish(&kit, &plan, projects, &options.common)
}

/// Prints the table and writes the JSON.
pub fn publish(kit: &Kit, plan: &Plan, projects: Vec<ProjectReport>, common: &Common) -> Outcome<()> {
    let tools: Vec<Tool> = plan.tools.iter().map(|(tool, _)| *tool).collect();
    let report = Report { machine: Machine::look(kit, &tools), projects };
    println!("{}", table::report(&report));
    match &common.json {
        Some(file) => files::write(file, format!("{:#}\n", report.to_json())),
        None => Ok(()),
    }
}

/// All phases of one project.
pub fn measure(kit: &Kit, project: &Project, plan: &Plan) -> Outcome<ProjectReport> {
    let load_before = machine::load();
    machine::warn_if_busy();
    eprintln!("{} (load {load_before})", project.title);
    let course = Course {
        environment: kit.environment.clone(),
        origin: project.origin.clone(),
        cargo_args: project.cargo_args.iter().chain(&plan.cargo_args).cloned().collect(),
        incremental: plan.incremental,
        remap: plan.remap,
    };
    let folder = kit.work.join("lanes").join(&project.slug);
    files::renew(&folder)?;
    let mut lanes = plan
        .tools
        .iter()
        .enumerate()
        .map(|(index, tool)| Lane::open(&course, tool.clone(), folder.join(format!("lane-{index}"))))
        .collect::<Outcome<Vec<Lane<'_>>>>()?;
    let mut series = Vec::new();
    for step in plan.phases.iter().flat_map(|phase| phase.steps()) {
        series.extend(phases::measure(*step, &mut lanes, project, plan.rounds));
    }
    let failures = lanes.iter().filter_map(|lane| Some((lane.tool, lane.failure.clone()?))).collect();
    files::remove(&folder)?;
    Ok(ProjectReport {
        title: project.title.clone(),
        setting: setting(&course),
        remap: plan.remap,
        rounds: plan.rounds,
        load_before,
        load_after: machine::load(),
        series,
        failures,
    })
}

fn setting(course: &Course) -> String {
    let mut words = vec!["build".to_owned()];
    words.extend(course.cargo_args.iter().cloned());
    let incremental = match course.incremental {
        Incremental::Off => "CARGO_INCREMENTAL=0",
        Incremental::Default => "CARGO_INCREMENTAL unset",
    };
    let remap = if course.remap { ", KILN_REMAP=1" } else { "" };
    format!("`{}`, {incremental}{remap}", words.join(" "))
}
