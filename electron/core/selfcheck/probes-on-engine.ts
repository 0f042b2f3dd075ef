// Probes on the llama-server binary: what it reports, and how long the first and second start take.

import { runLlamaServer } from '../engine/llama-capabilities.ts'
import { parseLlamaHelp } from '../engine/llama-help.ts'
import { parseMetalLimitBytes } from '../engine/metal-limit.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import type { SelfcheckContext } from './context.ts'
import { fail, notApplicable, type Probe, type ProbeTools, pass } from './probe.ts'

/** The first Metal start takes 5 to 6 s (kronk#10), and a program's first start waits for its signature check. */
const slowMs = 40_000
const gibibyte = 2 ** 30

export const probesOnEngine = (context: SelfcheckContext): readonly Probe[] => {
  const { platformId } = context
  const ask = async (word: string, tools: ProbeTools) => {
    const found = locateLlamaServer({ ...context, configuredPath: null })
    if (found === null) return null
    const began = performance.now()
    const said = await runLlamaServer(found.path, platformId, word)
    const milliseconds = Math.round(performance.now() - began)
    tools.keep('llama-server', `${word} stdout`, said.stdout)
    tools.keep('llama-server', `${word} stderr`, said.stderr)
    return { ...said, ...found, milliseconds }
  }
  return [
    {
      id: 'engine.help',
      group: 'AI Engine and Router',
      assumed: 'llama-server is installed, and its --help lists its flags',
      limitMs: slowMs,
      run: async (tools) => {
        const first = await ask('--help', tools)
        if (first === null) return notApplicable('no llama-server')
        await ask('--version', tools)
        const capabilities = parseLlamaHelp(first.stdout)
        return capabilities === null
          ? fail(
              `could not parse ${first.path} --help (exit status ${first.exitCode}): ${first.stderr.slice(0, 300)}`,
            )
          : pass(`${first.path} (${first.source}), ${first.milliseconds} ms`)
      },
    },
    {
      id: 'engine.devices',
      group: 'AI Engine and Router',
      assumed: 'llama-server --list-devices names the GPU and its memory limit, faster the second time',
      limitMs: slowMs,
      run: async (tools) => {
        const first = await ask('--list-devices', tools)
        const second = await ask('--list-devices', tools)
        if (first === null || second === null) return notApplicable('no llama-server')
        const took = `${first.milliseconds} ms, then ${second.milliseconds} ms`
        if (first.exitCode !== 0) return fail(`exit status ${first.exitCode}: ${first.stderr.slice(0, 300)}`)
        if (platformId === 'linux') return pass(`${took}; only Metal reports a limit`)
        const bytes = parseMetalLimitBytes(`${first.stdout}\n${first.stderr}`)
        return bytes === null
          ? fail(`no Metal device in: ${first.stdout.slice(0, 300)}`)
          : pass(`${(bytes / gibibyte).toFixed(1)} GiB; ${took}`)
      },
    },
  ]
}
