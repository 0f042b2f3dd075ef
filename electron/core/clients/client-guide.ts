// The instructions for each developer's client, for this machine and profile.

import type { Profile } from '../../contract/profile.ts'
import type { ClientsAnswer } from '../../contract/question.ts'
import { maskKey } from '../access/mask-key.ts'
import { hostNameNotes, hostsLine } from '../config/gateway-address.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { claudeModelName } from '../router/claude-model-name.ts'
import { clientLimits, limitsWarning } from '../router/client-limits.ts'
import { measuredClaudeCode } from '../setup/claude-code-releases.ts'
import {
  type ClaudeSetting,
  claudeSettings,
  explainClaudeSettings,
  renderClaudeSettings,
} from './claude-settings.ts'
import { addressWarning, clientBaseUrl, isLoopbackOnly } from './client-address.ts'
import { jumpDesktopNotes, jumpDesktopText, sshConfig, sshNotes } from './remote-access.ts'
import { shellIds, shellNotes, shellSnippet, shellTitles } from './shell-snippets.ts'
import { statusLine } from './status-line.ts'

export type ClientGuides = ReturnType<typeof buildClientGuides>
export type DeveloperGuide = ClientGuides['developers'][number]
export type ClientSnippet = DeveloperGuide['snippets'][number]

/** Whether it is the two lines for a shell. */
export const isShellSnippet = ({ id }: ClientSnippet): boolean => shellIds.some((shell) => shell === id)

/** Claude Code's own model names (measured with 2.1.197); the Router answers to every name. */
const namesClientsAskFor = ['claude-opus-4-8', 'claude-sonnet-5', 'claude-haiku-4-5-20251001']

/**
 * @param lanAddresses this machine's addresses, best first
 * @param trainingContextTokens the model's own limit; null when unknown
 */
export const buildClientGuides = (
  profile: Pick<Profile, 'llamaServer' | 'proxy'>,
  developers: readonly { readonly name: string; readonly key: string }[],
  lanAddresses: readonly string[],
  trainingContextTokens: number | null = null,
) => {
  const { proxy } = profile
  const baseUrl = clientBaseUrl(proxy, lanAddresses)
  const limits = clientLimits(profile.llamaServer, trainingContextTokens)
  const { slots } = plannedServer(profile.llamaServer)
  const nameAddress = new URL(baseUrl).hostname.replace(/^\[|\]$/g, '')
  // SSH reaches the machine even if the Router is local only.
  const sshAddress = isLoopbackOnly(proxy) ? (lanAddresses[0] ?? null) : nameAddress
  const settingsWith = (apiKey: string) => claudeSettings({ baseUrl, apiKey, limits, proxy, slots })
  const snippetsWith = (key: string) =>
    listSnippets({ proxy, baseUrl, sshAddress, nameAddress, key, settings: settingsWith(key) })
  return {
    baseUrl,
    models: [...new Set([claudeModelName(proxy), proxy.modelName, ...namesClientsAskFor])],
    limits,
    /** Problems for clients, one sentence each. */
    warnings: [addressWarning(proxy, lanAddresses), limitsWarning(limits)].filter((text) => text !== null),
    developers: developers.map(({ name, key }) => {
      const maskedKey = maskKey(key)
      const masked = snippetsWith(maskedKey)
      return {
        name,
        key,
        maskedKey,
        /** Line by line, including the key. */
        settings: settingsWith(key),
        snippets: snippetsWith(key).map((snippet, index) => ({
          ...snippet,
          masked: masked[index]?.text ?? '',
        })),
      }
    }),
  }
}

interface Snippet {
  readonly id: string
  readonly title: string
  /** Contains the key; for the clipboard. */
  readonly text: string
  readonly notes: readonly string[]
}

const listSnippets = ({
  proxy,
  baseUrl,
  sshAddress,
  nameAddress,
  key,
  settings,
}: {
  readonly proxy: Profile['proxy']
  readonly baseUrl: string
  readonly sshAddress: string | null
  readonly nameAddress: string
  readonly key: string
  readonly settings: readonly ClaudeSetting[]
}): readonly Snippet[] => [
  ...shellIds.map((id) => ({
    id,
    title: shellTitles[id],
    text: shellSnippet(id, baseUrl, key),
    notes: shellNotes[id],
  })),
  {
    id: 'claude-settings',
    title: 'Claude Code: ~/.claude/settings.json',
    text: renderClaudeSettings(settings),
    notes: [
      `For ~/.claude/settings.json (Windows: %USERPROFILE%\\.claude\\settings.json; mode 0600: it holds your key), or .claude/settings.local.json in one project, which is not committed. Measured with Claude Code ${measuredClaudeCode}; it also replaces the two lines for the shell.`,
      ...explainClaudeSettings(settings),
    ],
  },
  {
    id: 'status-line-windows',
    title: 'Claude Code on Windows: the status line',
    text: `"statusLine": ${JSON.stringify(statusLine('windows'))}`,
    notes: [
      'In settings.json instead of the statusLine above: the same request with PowerShell and the curl.exe of Windows 10 and later. Not tested on Windows.',
    ],
  },
  {
    id: 'ssh-config',
    title: 'VS Code Remote SSH',
    text: sshConfig(proxy, sshAddress),
    notes: sshNotes(proxy),
  },
  {
    id: 'jump-desktop',
    title: 'Jump Desktop',
    text: jumpDesktopText(sshAddress),
    notes: jumpDesktopNotes,
  },
  { id: 'hosts', title: 'The name ai.opta.local', text: hostsLine(nameAddress), notes: hostNameNotes },
]

/** Contains no secrets. */
export const clientsAnswer = (guides: ClientGuides): ClientsAnswer => ({
  baseUrl: guides.baseUrl,
  warning: guides.warnings.length === 0 ? null : guides.warnings.join('; '),
  developers: guides.developers.map(({ name, maskedKey, snippets }) => ({
    name,
    maskedKey,
    snippets: snippets.map(({ id, title, masked, notes }) => ({ id, title, masked, notes: [...notes] })),
  })),
})

/** The text for the clipboard, including the key; null when there is no such developer or snippet. */
export const findSnippet = (guides: ClientGuides, developer: string, snippet: string): string | null =>
  guides.developers.find(({ name }) => name === developer)?.snippets.find(({ id }) => id === snippet)?.text ??
  null
