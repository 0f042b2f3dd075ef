// The agents' file: correct numbers in plain sentences, kept up to date, without overwriting the user's text.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import { writeBlock } from '../base/managed-file.ts'
import { markdownMarks } from '../base/marked-block.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { locateStateFolder } from '../config/state-folder.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import { type AgentsFacts, nameFacts, readPrefillSpeed, saysTheSame } from './agents-facts.ts'
import {
  forgetFile,
  readAgentsBlock,
  readAgentsFileState,
  readInstalledFiles,
  refreshAgentsFiles,
  rememberFile,
} from './agents-file.ts'
import { agentsText } from './agents-text.ts'

const facts: AgentsFacts = {
  machine: 'Mac15,14, Apple M3 Ultra, 256.00 GiB at 819 GB/s, macOS 27.0',
  profileName: 'studio',
  model: 'deepseek-r1-distill-llama-70b',
  agents: 4,
  tokensPerAgent: 98_304,
  pooled: false,
  keepsSlots: true,
  compactAtTokens: 73_016,
  queueLimit: 16,
  tools: ['Bash', 'Read', 'Agent'],
  baseUrl: 'http://192.168.1.20:4000',
  forge: { mountPoint: '/Volumes/OptaBuilds', sizeMiB: 65_536 },
}

describe('agentsText', () => {
  it("contains this machine's numbers", () => {
    const text = agentsText(facts, { tokensPerSecond: 312.4, prompts: 20 })
    for (const words of [
      'The machine: Mac15,14, Apple M3 Ultra, 256.00 GiB at 819 GB/s, macOS 27.0.',
      '**4 agents at once.** The 5th waits',
      '98,304 tokens of context',
      'When 16 wait, the next is refused',
      'summarised at about 73,016',
      'about 310 tokens a second here (median of 20 prompts), so 10,000 tokens take about 32 s',
      '64 GiB at `/Volumes/OptaBuilds`',
      'http://192.168.1.20:4000',
      '**Your tools are Bash, Read, Agent**, and those of MCP servers.',
      'have more than 3 subagents work at once',
    ])
      expect(text).toContain(words)
  })

  it('forbids subagents without the tool, and names no tools when all are allowed', () => {
    const text = agentsText({ ...facts, tools: ['Bash'] }, null)
    expect(text).toContain('start further agents or subagents')
    expect(agentsText({ ...facts, tools: null }, null)).not.toContain('Your tools')
  })

  it('explains session ids and the cost of losing a slot, if conversations keep theirs', () => {
    const text = agentsText(facts, { tokensPerSecond: 100, prompts: 20 })
    expect(text).toContain('`x-claude-code-session-id`): its next turn reads only what is new')
    expect(text).toContain('is read again, about 2 min for 10,000 tokens')
    expect(agentsText({ ...facts, keepsSlots: false }, null)).not.toMatch(/session-id|loses its slot/)
  })

  it('omits an unmeasured speed', () => {
    expect(agentsText(facts, null)).not.toMatch(/tokens a second|median/)
  })

  it('covers a pool, one agent, a small slot and a slow machine', () => {
    const text = agentsText(
      {
        ...facts,
        agents: 1,
        pooled: true,
        compactAtTokens: null,
        queueLimit: null,
        forge: { mountPoint: '/x', sizeMiB: 256 },
      },
      { tokensPerSecond: 13.6, prompts: 1 },
    )
    for (const words of ['**One agent at once.** The 2nd', 'one pool', 'That is little', '12 min', '256 MiB'])
      expect(text).toContain(words)
    expect(text).not.toContain('529')
  })
})

describe('readPrefillSpeed', () => {
  const timing = (tokens: number, ms: number) =>
    `5.23.230.043 I slot print_timing: id  0 | task 6 | prompt eval time =   ${ms.toFixed(2)} ms /   ${tokens} tokens (   1.00 ms per token,    1.00 tokens per second)`
  const recorded = join(import.meta.dirname, '..', 'engine', 'fixtures', 'llama-b10068-six-chats-log.txt')

  it('is the median of the long prompts of a recorded run', () => {
    expect(readPrefillSpeed(readFileSync(recorded, 'utf8').split('\n'))).toEqual({
      tokensPerSecond: expect.closeTo(7.74, 1),
      prompts: expect.any(Number),
    })
  })

  it('ignores short prompts and earlier servers', () => {
    expect(readPrefillSpeed([timing(20, 10)])).toBeNull()
    const earlier = [timing(1000, 1000), 'main: server is listening on http://127.0.0.1:8080']
    expect(readPrefillSpeed(earlier)).toBeNull()
    expect(readPrefillSpeed([...earlier, timing(1000, 500)])).toEqual({ tokensPerSecond: 2000, prompts: 1 })
  })
})

describe('nameFacts', () => {
  const speed = { tokensPerSecond: 300, prompts: 5 }
  it('ignores the speed, and differs for anything else', () => {
    expect(nameFacts(facts, speed)).toBe(nameFacts(facts, { tokensPerSecond: 310, prompts: 6 }))
    expect(nameFacts(facts, null)).not.toBe(nameFacts({ ...facts, agents: 3 }, null))
  })
  it('accepts a text with a speed when none is known now, but not the reverse', () => {
    expect(saysTheSame(nameFacts(facts, speed), nameFacts(facts, null))).toBe(true)
    expect(saysTheSame(nameFacts(facts, null), nameFacts(facts, speed))).toBe(false)
  })
})

describe('the installed file', () => {
  let home = ''
  let path = ''
  const { demo } = builtinProfiles('/runtime')
  if (demo === undefined) throw new Error('there is no demo profile')
  const platform = createPlatform({ ramDiskRoot: '/ram' }, 'linux')
  const contextFor = (profile: Profile) => ({
    folder: locateStateFolder({ NEXUS_HOME: home }, 'linux', '/home/x'),
    platform,
    profileName: 'demo',
    profile,
    engineIsReady: false,
  })
  const install = async () => {
    const block = await readAgentsBlock(contextFor(demo))
    writeBlock(path, block, markdownMarks)
    rememberFile(contextFor(demo).folder.agentsFilesPath, path)
    return block
  }
  const threeSlots = { ...demo, llamaServer: { ...demo.llamaServer, slots: 3 } }

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'nexus-agents-'))
    mkdirSync(join(home, 'project'))
    path = join(home, 'project', 'CLAUDE.md')
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it('follows the profile and keeps the text around it', async () => {
    writeFileSync(path, '# Ours\n\nUse tabs.\n')
    const block = await install()
    expect(readAgentsFileState(path, block).kind).toBe('current')
    writeFileSync(path, `${readFileSync(path, 'utf8')}\nMore of ours.\n`)
    expect(await refreshAgentsFiles(contextFor(threeSlots))).toEqual([])
    const text = readFileSync(path, 'utf8')
    expect(text).toContain('**3 agents at once.**')
    expect(text).not.toContain('**4 agents')
    expect(text.startsWith('# Ours\n\nUse tabs.\n')).toBe(true)
    expect(text.endsWith('\nMore of ours.\n')).toBe(true)
  })

  it('is not touched once edited between the marks', async () => {
    await install()
    const edited = readFileSync(path, 'utf8').replace('Do not:', 'Please do not:')
    writeFileSync(path, edited)
    expect(await refreshAgentsFiles(contextFor(threeSlots))).toEqual([])
    expect(readFileSync(path, 'utf8')).toBe(edited)
  })

  it('does not come back after removal', async () => {
    await install()
    writeFileSync(path, '# Ours alone\n')
    await refreshAgentsFiles(contextFor(threeSlots))
    expect(readFileSync(path, 'utf8')).toBe('# Ours alone\n')
    rmSync(path)
    await refreshAgentsFiles(contextFor(threeSlots))
    expect(existsSync(path)).toBe(false)
  })

  it('stays a link', async () => {
    const real = join(home, 'project', 'AGENTS.md')
    writeFileSync(real, '# Ours\n', { mode: 0o664 })
    symlinkSync('AGENTS.md', path)
    await install()
    await refreshAgentsFiles(contextFor(threeSlots))
    expect(readFileSync(real, 'utf8')).toContain('**3 agents at once.**')
  })

  it('reports a file that could not be written, and continues', async () => {
    await install()
    const recordPath = contextFor(demo).folder.agentsFilesPath
    rmSync(path)
    mkdirSync(path)
    const next = join(home, 'second.md')
    writeBlock(next, await readAgentsBlock(contextFor(demo)), markdownMarks)
    rememberFile(recordPath, next)
    expect(await refreshAgentsFiles(contextFor(threeSlots))).toEqual([expect.stringContaining(path)])
    expect(readFileSync(next, 'utf8')).toContain('**3 agents at once.**')
    forgetFile(recordPath, path)
    expect(readInstalledFiles(recordPath)).toEqual([next])
  })
})
