// Times cargo builds of a real crate with dependencies, cold and after an edit, on the RAM disk and on the disk.
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PartReport, Sample } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'

/** Procedural macros, much generated code and one large dependency: a second or two of everything in a real project. */
const manifest = `[package]
name = "bench"
version = "0.1.0"
edition = "2021"

[dependencies]
regex = "=1.11.1"
serde = { version = "=1.0.219", features = ["derive"] }
serde_json = "=1.0.140"

[workspace]
`
const program = `#[derive(serde::Deserialize, serde::Serialize)]
struct Line { at: u64, text: String }
fn main() {
    let line: Line = serde_json::from_str(r#"{"at":1,"text":"hello 42"}"#).unwrap();
    let found = regex::Regex::new(r"\\d+").unwrap().find(&line.text).map(|m| m.as_str());
    println!("{} {:?}", serde_json::to_string(&line).unwrap(), found);
}
`
/** The crate's build files take about a quarter of this. */
const sizeMiB = 1024
const editsPerBuild = 3

export const benchForge = async (stack: BenchStack, runs: number): Promise<PartReport> => {
  const { root, ramDiskRoot } = stack.folder
  const project = join(root, 'bench-crate')
  mkdirSync(join(project, 'src'), { recursive: true })
  writeFileSync(join(project, 'Cargo.toml'), manifest)
  writeFileSync(join(project, 'src', 'main.rs'), program)
  const profilePath = join(root, 'forge-profile.json')
  writeFileSync(profilePath, JSON.stringify({ extends: 'demo', ramDisk: { sizeMiB } }))
  await stack.run(['cargo', 'fetch', '--manifest-path', join(project, 'Cargo.toml')])
  await stack.nexus('up', '--profile', profilePath, '--only', 'ramDisk')
  const places = {
    ram: join(ramDiskRoot, 'OptaBuilds', 'bench'),
    disk: join(root, 'bench-build'),
  }
  const build = async (place: string): Promise<number> => {
    const setting = `build.build-dir=${JSON.stringify(place)}`
    const argv = ['cargo', 'build', '--offline', '--quiet', '--config', setting, '--manifest-path'] as const
    const { startedAt, endedAt } = await stack.run([...argv, join(project, 'Cargo.toml')])
    return (endedAt - startedAt) / 1000
  }
  const edit = () => appendFileSync(join(project, 'src', 'main.rs'), `// edited ${performance.now()}\n`)
  const cold: Sample[] = []
  const incremental: Sample[] = []
  try {
    for (let run = 0; run < runs; run += 1) {
      for (const place of Object.values(places)) rmSync(place, { recursive: true, force: true })
      // In turn, so that warming up over the run affects both.
      const ramFirst = run % 2 === 0
      const first = await build(ramFirst ? places.ram : places.disk)
      const second = await build(ramFirst ? places.disk : places.ram)
      cold.push(ramFirst ? { measured: first, reference: second } : { measured: second, reference: first })
      for (let count = 0; count < editsPerBuild; count += 1) {
        edit()
        const measured = await build(places.ram)
        incremental.push({ measured, reference: await build(places.disk) })
      }
    }
  } finally {
    await stack.down()
  }
  const comparison = (what: string, samples: readonly Sample[]) =>
    ({ part: 'forge', what, unit: 's', samples, against: 'disk', goal: null }) as const
  return {
    comparisons: [
      comparison('cargo build of a crate with dependencies, cold, on the RAM disk', cold),
      comparison('the same after an edit', incremental),
    ],
    stages: [],
  }
}
