// The instructions for each developer's client, for this machine and profile, and for access to the machine itself: SSH for VS Code,
// Jump Desktop for its screen.

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
    listSnippets(proxy, key, settingsWith(key), { baseUrl, sshAddress, nameAddress })
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

interface Addresses {
  readonly baseUrl: string
  /** For the hosts file. */
  readonly nameAddress: string
  /** null when this machine has none. */
  readonly sshAddress: string | null
}

/** Each `text` contains the key: it is for the clipboard. */
const listSnippets = (
  proxy: Profile['proxy'],
  key: string,
  settings: readonly ClaudeSetting[],
  { baseUrl, nameAddress, sshAddress }: Addresses,
) => [
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

/** A placeholder that cannot pass for a real login. */
const loginPlaceholder = 'YOUR-LOGIN-ON-THE-STUDIO'
const sshAlias = 'opta-studio'

/** @param address this machine's address on the network; null when it has none */
const sshConfig = (proxy: Pick<Profile['proxy'], 'host' | 'port'>, address: string | null): string =>
  [
    `Host ${sshAlias}`,
    `  HostName ${address ?? 'ADDRESS-OF-THE-STUDIO'}`,
    `  User ${loginPlaceholder}`,
    '  ServerAliveInterval 30',
    '  ServerAliveCountMax 4',
    ...(isLoopbackOnly(proxy) ? [`  LocalForward ${proxy.port} 127.0.0.1:${proxy.port}`] : []),
  ].join('\n')

const sshNotes = (proxy: Pick<Profile['proxy'], 'host' | 'port'>): readonly string[] => [
  'Goes into ~/.ssh/config on your own machine (Windows: %USERPROFILE%\\.ssh\\config).',
  `User: your account on this machine, which Nexus does not know; replace ${loginPlaceholder}.`,
  'ServerAlive: during a long prefill nothing is sent; without keepalives routers drop the connection.',
  ...(isLoopbackOnly(proxy)
    ? [
        `LocalForward: the Router listens only on this machine; while you are connected, it is also at http://127.0.0.1:${proxy.port} on yours.`,
      ]
    : []),
  `VS Code: "Remote-SSH: Connect to Host...", then ${sshAlias}. Its terminals and Claude Code run on the Studio, so set the variables there.`,
  'On a Mac, SSH is System Settings, General, Sharing, Remote Login.',
]

const jumpDesktopText = (address: string | null): string =>
  [
    `Computer: ${address ?? 'ADDRESS-OF-THE-STUDIO'}`,
    'Protocol: Fluid (Jump Desktop Connect on the Studio)',
    'Resolution: that of your own screen, not Retina',
  ].join('\n')

const jumpDesktopNotes: readonly string[] = [
  'Jump Desktop Connect must run on the Studio and have Screen Recording and Accessibility permission (System Settings, Privacy & Security).',
  'After a reboot no user is logged in: Jump Desktop then shows the login window, while Nexus already runs (nexus service install).',
  'The glance is readable at half size; nexus status --watch in an SSH terminal shows the same without video.',
]
