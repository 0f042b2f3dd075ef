// Runs the parts of the storm one after the other and prints their findings. Started by scripts/storm.
import { parseArgs } from 'node:util'
import { chooseParts, readNumber, runScript, say, UsageError } from './run-script.ts'
import { stormEndurance } from './storm-endurance.ts'
import { stormHostile } from './storm-hostile.ts'
import { stormKills } from './storm-kills.ts'
import { longSize, type StormPart, shortSize } from './storm-part.ts'

const parts: Readonly<Record<string, (part: StormPart) => Promise<string>>> = {
  kills: stormKills,
  hostile: stormHostile,
  endurance: stormEndurance,
}

const usage = `usage: scripts/storm [--long] [--seed N] [--only PART ...] [--case NAME] [--kills N] [--inputs N] [--seconds N]     PART: ${Object.keys(parts).join(' ')}`

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      long: { type: 'boolean', default: false },
      seed: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      case: { type: 'string' },
      kills: { type: 'string' },
      inputs: { type: 'string' },
      seconds: { type: 'string' },
    },
  })
  // `kills:12` is one round, `hostile:TARGET` one target.
  const [, part, only] = /^(\w+):(.+)$/s.exec(values.case ?? '') ?? []
  if (values.case !== undefined && part === undefined)
    throw new UsageError('--case is a part and a round or target, such as kills:12')
  if (part === 'kills') readNumber('--case kills:', only)
  const size = values.long ? longSize : shortSize
  const inputs = readNumber('--inputs', values.inputs)
  return {
    again: `scripts/storm${values.long ? ' --long' : ''}`,
    seed: readNumber('--seed', values.seed) ?? Math.floor(Math.random() * 1_000_000),
    chosen: chooseParts(parts, part === undefined ? values.only : [part]),
    only: only ?? null,
    // These three cut a long run into pieces.
    size: {
      ...size,
      kills: readNumber('--kills', values.kills) ?? size.kills,
      inputs: inputs ?? size.inputs,
      bodies: inputs ?? size.bodies,
      seconds: readNumber('--seconds', values.seconds) ?? size.seconds,
    },
  }
}

const main = async (root: string, signal: AbortSignal): Promise<boolean> => {
  const { again, seed, chosen, only, size } = readOptions()
  let isGood = true
  say('storm', `seed ${seed}`)
  for (const [name, run] of chosen) {
    if (signal.aborted) break
    const began = performance.now()
    let failed = 0
    const fail: StormPart['fail'] = (which, what, ...reasons) => {
      failed += 1
      const how = which === null ? `--only ${name}` : `--case '${name}:${which}'`
      console.log(`${name}: FAILED ${what}\n${reasons.map((reason) => `  ${reason}`).join('\n')}`)
      console.log(`  again: ${again} --seed ${seed} ${how}`)
    }
    const figures = await run({ root, seed, size, signal, only, fail })
    isGood &&= failed === 0
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(`${name}: ${figures}; ${failed} failed; seed ${seed}, ${seconds} s`)
  }
  signal.throwIfAborted()
  return isGood
}

await runScript('storm', usage, main)
