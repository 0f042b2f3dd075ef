// Developers' access to the machine itself: SSH for VS Code, Jump Desktop for its screen.
import type { Profile } from '../../contract/profile.ts'
import { isLoopbackOnly } from './client-address.ts'

/** A placeholder that cannot pass for a real login. */
const loginPlaceholder = 'YOUR-LOGIN-ON-THE-STUDIO'
const sshAlias = 'opta-studio'

/** @param address this machine's address on the network; null when it has none */
export const sshConfig = (proxy: Pick<Profile['proxy'], 'host' | 'port'>, address: string | null): string =>
  [
    `Host ${sshAlias}`,
    `  HostName ${address ?? 'ADDRESS-OF-THE-STUDIO'}`,
    `  User ${loginPlaceholder}`,
    '  ServerAliveInterval 30',
    '  ServerAliveCountMax 4',
    ...(isLoopbackOnly(proxy) ? [`  LocalForward ${proxy.port} 127.0.0.1:${proxy.port}`] : []),
  ].join('\n')

export const sshNotes = (proxy: Pick<Profile['proxy'], 'host' | 'port'>): readonly string[] => [
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

export const jumpDesktopText = (address: string | null): string =>
  [
    `Computer: ${address ?? 'ADDRESS-OF-THE-STUDIO'}`,
    'Protocol: Fluid (Jump Desktop Connect on the Studio)',
    'Resolution: that of your own screen, not Retina',
  ].join('\n')

export const jumpDesktopNotes: readonly string[] = [
  'Jump Desktop Connect must run on the Studio and have Screen Recording and Accessibility permission (System Settings, Privacy & Security).',
  'After a reboot no user is logged in: Jump Desktop then shows the login window, while Nexus already runs (nexus service install).',
  'The glance is readable at half size; nexus status --watch in an SSH terminal shows the same without video.',
]
