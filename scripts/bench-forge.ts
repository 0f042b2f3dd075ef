// Times cargo builds of a real crate with dependencies, cold and after an edit, on the RAM disk and on the disk.
import { appendFileSync, cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Comparison, measureInTurn } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'

/** The crate's build files take about a quarter of this. */
const sizeMiB = 1024
const editsPerBuild = 3

export const benchForge = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  const project = join(stack.home, 'bench-crate')
  const source = join(project, 'src', 'main.rs')
  cpSync(join(stack.root, 'scripts', 'bench-crate'), project, { recursive: true })
  const profilePath = join(stack.home, 'forge-profile.json')
  writeFileSync(profilePath, JSON.stringify({ extends: 'demo', ramDisk: { sizeMiB } }))
  const at = ['--manifest-path', join(project, 'Cargo.toml')]
  await stack.run('cargo', 'fetch', ...at)
  await stack.nexus('up', '--profile', profilePath, '--only', 'ramDisk')
  const build = async (place: string): Promise<number> => {
    const setting = `build.build-dir=${JSON.stringify(place)}`
    const end = await stack.run('cargo', 'build', '--offline', '--quiet', '--config', setting, ...at)
    return (end.endedAt - end.startedAt) / 1000
  }
  const buildCold = (place: string) => {
    rmSync(place, { recursive: true, force: true })
    return build(place)
  }
  const buildEdited = (place: string) => {
    appendFileSync(source, `// edited ${performance.now()}\n`)
    return build(place)
  }
  const compare = async (what: string, count: number, measure: typeof build): Promise<Comparison> => ({
    what,
    unit: 's',
    samples: await measureInTurn(
      count,
      () => measure(join(stack.folder.ramDiskRoot, 'OptaBuilds', 'bench')),
      () => measure(join(stack.home, 'bench-build')),
    ),
    against: 'disk',
    goal: null,
  })
  try {
    return [
      await compare('cargo build of a crate with dependencies, cold, on the RAM disk', runs, buildCold),
      await compare('the same after an edit', runs * editsPerBuild, buildEdited),
    ]
  } finally {
    await stack.down()
  }
}
