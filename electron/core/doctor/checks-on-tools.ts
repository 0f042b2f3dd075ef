// Check whether an agent's tools reach the model: from the running llama-server, else from the model's file.

import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../base/error-message.ts'
import { askHttp } from '../base/http-ask.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { localUrl } from '../base/local-url.ts'
import { readRegularFile } from '../base/regular-file.ts'
import { type ChatTemplateChoice, readChatTemplateChoice } from '../engine/chat-template.ts'
import { engineRecordName, readEngineRecord } from '../engine/engine-record.ts'
import { localDay } from '../router/router-feed.ts'
import { type LeftOut, readToolBook, type ToolBook, toolBookName } from '../router/tool-book.ts'
import { type CheckSource, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

/** What llama-server learned about its chat template by rendering it (common/jinja/caps.cpp). */
export type ToolCaps = ReturnType<typeof parseToolCaps>

/** Builds differ in which caps they report, so each is parsed on its own. */
const CapSchema = z.boolean().nullable().catch(null)
const PropsSchema = z.object({
  chat_template_caps: z
    .object({ supports_tools: CapSchema, supports_tool_calls: CapSchema, supports_system_role: CapSchema })
    .optional()
    .catch(undefined),
})

export const parseToolCaps = (text: string) => {
  const props = PropsSchema.safeParse(parseJsonOrNull(text))
  if (!props.success)
    return { kind: 'failed' as const, reason: "could not parse llama-server's answer to /props" }
  const caps = props.data.chat_template_caps
  // A build from before 2026.
  if (caps === undefined || Object.values(caps).every((cap) => cap === null))
    return { kind: 'silent' } as const
  // null: not reported.
  return {
    kind: 'caps',
    tools: caps.supports_tools,
    toolCalls: caps.supports_tool_calls,
    systemRole: caps.supports_system_role,
  } as const
}

const capWords = [
  ['tools', 'the tools that an agent offers'],
  ['toolCalls', 'its earlier calls'],
  ['systemRole', 'its system prompt'],
] as const

/** @param setting where to set `chatTemplate`, such as "profiles.studio.llamaServer.chatTemplate in /s/config.json" */
export const judgeRunningTools = (caps: ToolCaps, setting: string): Verdict => {
  switch (caps.kind) {
    case 'failed':
      return unknown(caps.reason, 'nexus logs llamaServer')
    case 'silent':
      return unknown('this build of llama-server does not report what its chat template renders')
    case 'caps': {
      const those = (wanted: boolean | null) =>
        capWords.flatMap(([cap, words]) => (caps[cap] === wanted ? [words] : [])).join(', ')
      const [lost, notSaid] = [those(false), those(null)]
      if (lost !== '')
        return warn(
          `the running llama-server's chat template drops ${lost}: agents can only talk`,
          mendTemplate(setting),
        )
      return notSaid === ''
        ? ok('yes: the running llama-server renders tools, calls and system prompt')
        : unknown(
            `the running llama-server renders ${those(true)}; it does not report whether it renders ${notSaid}`,
          )
    }
  }
}

/**
 * @param engine the running llama-server, as the core recorded it; null: unknown
 * @param book what the Router has seen; null: nothing
 */
export const addSeenCall = (verdict: Verdict, engine: string | null, book: ToolBook | null): Verdict => {
  if (verdict.level !== 'ok') return verdict
  const last = book?.lastCall ?? null
  if (last === null)
    return ok(`${verdict.found}; no tool call seen yet (nexus try-claude uses-its-tools makes some)`)
  const when = `${new Date(last.at).toISOString().slice(0, 16).replace('T', ' ')} UTC, by ${last.client}`
  if (engine === null || last.engine !== engine)
    return ok(`${verdict.found}; the last tool call was with another model, build or setting (${when})`)
  return ok(`tools reach the model and it called one (${when}); ${verdict.found}`)
}

/** What the Router removed from today's requests; null: nothing. */
export const judgeLeftOut = (book: ToolBook | null, today: string): Verdict | null => {
  if (book === null || book.day !== today) return null
  const list = [
    describeLeftOut(book.keywords, "schema keywords that llama-server's grammar can't take, in"),
    describeLeftOut(book.searches, 'tools that nothing here can run:'),
    describeLeftOut(book.tools, "tools that the profile's proxy.tools does not name:"),
  ].filter((text) => text !== null)
  return list.length === 0 ? null : ok(`left out today: ${list.join('; ')}`)
}

const describeLeftOut = ({ requests, names }: LeftOut, what: string): string | null =>
  requests === 0
    ? null
    : `${what} ${names.join(', ')} (${requests} ${requests === 1 ? 'request' : 'requests'})`

export const judgePlannedTools = (choice: ChatTemplateChoice, setting: string): Verdict => {
  if (choice.kind === 'file' && !choice.toolless) return ok(`yes, by ${choice.path}`)
  switch (choice.toolless) {
    case false:
      return ok(`yes: ${choice.reason}`)
    case true:
      return warn(`no: ${choice.reason}; agents can only talk`, mendTemplate(setting))
    case null:
      return unknown(`${choice.reason}; llama-server reports it once it runs`)
  }
}

const mendTemplate = (setting: string): string =>
  `Set ${setting} to a Jinja template that renders tools for this model, or use a model that was trained with tools.`

const askTimeoutMs = 1_500
const maxPropsBytes = 4_194_304

export const readToolCaps = async (
  { host, port }: { readonly host: string | readonly string[]; readonly port: number },
  keysDir: string,
  signal: AbortSignal,
): Promise<ToolCaps> => {
  try {
    const key = readRegularFile(join(keysDir, 'engine.key')).trim()
    const answer = await askHttp(`${localUrl(host, port)}/props`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]),
      maxBytes: maxPropsBytes,
    })
    return answer.ok
      ? parseToolCaps(answer.text ?? '')
      : { kind: 'failed', reason: `llama-server answered /props with ${answer.status}` }
  } catch (error) {
    return { kind: 'failed', reason: `llama-server did not answer /props: ${messageOf(error)}` }
  }
}

const readBook = ({ folder }: DoctorFacts): ToolBook | null =>
  readToolBook(join(folder.proxyDir, toolBookName))

export const checksOnTools: readonly CheckSource[] = [
  {
    id: 'router.left-out',
    title: 'Left out of tools',
    why: "the model cannot use what it does not see; the Router's log names each once",
    read: async (facts) => judgeLeftOut(readBook(facts), localDay(new Date())),
  },
  {
    id: 'models.tools',
    title: 'Tools reach model',
    why: 'a chat template without tools drops them silently, and the agent never acts',
    read: async (facts, signal) => {
      const { folder, resourcesDir, place, profileFile } = facts
      const { llamaServer } = facts.chosen.profile
      const setting = `${place('llamaServer.chatTemplate')} in ${profileFile}`
      if ((await facts.running()).some(({ service }) => service === 'llamaServer')) {
        const verdict = judgeRunningTools(await readToolCaps(llamaServer, folder.keysDir, signal), setting)
        const engine = readEngineRecord(join(folder.proxyDir, engineRecordName))
        return addSeenCall(verdict, engine?.identity ?? null, readBook(facts))
      }
      try {
        return judgePlannedTools(await readChatTemplateChoice(llamaServer, resourcesDir), setting)
      } catch (error) {
        return warn(messageOf(error), `Correct ${setting}.`)
      }
    },
  },
]
