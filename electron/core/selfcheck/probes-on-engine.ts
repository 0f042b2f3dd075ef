// Probes on the llama-server binary: what it reports, and how long the first and second start take.

import { formatBytes } from '../../wording/figures.ts'
import { parseMetalLimitBytes, runLlamaServer } from '../engine/llama-capabilities.ts'
import { parseLlamaHelp } from '../engine/llama-help.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import type { SelfcheckContext } from './context.ts'
import { type Finding, fail, inGroup, notApplicable, type Probe, pass } from './probe.ts'

/** The first Metal start takes 5 to 6 s (kronk#10), and a program's first start waits for its signature check. */
const probe = inGroup('AI Engine and Router', 40_000)

type Answer = Awaited<ReturnType<typeof runLlamaServer>>

export const probesOnEngine = (context: SelfcheckContext): readonly Probe[] => {
  const { platformId } = context
  const asking =
    (word: string, judge: (answer: Answer, said: string) => Finding): Probe['run'] =>
    async ({ keep }) => {
      const found = locateLlamaServer({ ...context, configuredPath: null })
      if (found === null) return notApplicable('no llama-server')
      const ask = async () => {
        const began = performance.now()
        const answer = await runLlamaServer(found.path, platformId, word)
        return { answer, milliseconds: Math.round(performance.now() - began) }
      }
      const [first, second] = [await ask(), await ask()]
      keep('llama-server', `${word} stdout`, first.answer.stdout)
      keep('llama-server', `${word} stderr`, first.answer.stderr)
      const took = `${first.milliseconds} ms, then ${second.milliseconds} ms`
      return judge(first.answer, `${found.path} (${found.source}), ${took}`)
    }
  return [
    probe(
      'engine.help',
      'llama-server is installed, and its --help lists its flags',
      asking('--help', ({ stdout, stderr, exitCode }, said) =>
        parseLlamaHelp(stdout) === null
          ? fail(`could not parse ${said}, exit status ${exitCode}: ${stderr.slice(0, 300)}`)
          : pass(said),
      ),
    ),
    probe(
      'engine.devices',
      'llama-server --list-devices names the GPU and its memory limit',
      asking('--list-devices', ({ stdout, stderr, exitCode }, said) => {
        if (exitCode !== 0) return fail(`exit status ${exitCode}: ${stderr.slice(0, 300)}`)
        if (platformId === 'linux') return pass(`${said}; only Metal reports a limit`)
        const bytes = parseMetalLimitBytes(`${stdout}\n${stderr}`)
        return bytes === null
          ? fail(`no Metal device in: ${stdout.slice(0, 300)}`)
          : pass(`${formatBytes(bytes)}; ${said}`)
      }),
    ),
  ]
}
