// Checks on Claude Code: room in its slot, its settings and variables on this machine, the agents' files.

import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { readAgentsBlock, readAgentsFileState } from '../agents-file/agents-file.ts'
import { readInstalledFiles } from '../agents-file/installed-files.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { claudeSettings } from '../clients/claude-settings.ts'
import { clientBaseUrl } from '../clients/client-address.ts'
import { type ReachAddress, readAddress } from '../clients/reach-address.ts'
import { readSettings } from '../clients/settings-judgement.ts'
import { readReleaseTry, releaseTriesFile } from '../clients/tried-releases.ts'
import { clientName } from '../config/host-name.ts'
import { plannedServer } from '../memory/planned-server.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { claudeModelName } from '../router/claude-model-name.ts'
import { clientLimits } from '../router/client-limits.ts'
import type { CheckSource, DoctorContext } from './check.ts'
import { profilePlace } from './checks-on-config.ts'
import { isLoopback } from './checks-on-ports.ts'
import {
  type Env,
  judgeAgentsFiles,
  judgeMends,
  judgeRoom,
  judgeSettings,
  judgeVariables,
  judgeVersion,
} from './client-judgements.ts'
import type { DoctorFacts } from './facts.ts'

/** The first match on the caller's PATH; null when there is none. */
const findOnPath = (name: string, env: Env): string | null => {
  for (const dir of (env['PATH'] ?? '').split(':')) {
    if (!dir.startsWith('/')) continue
    const path = join(dir, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return null
}

const readVersion = async (run: RunCommand, env: Env): Promise<string | null> => {
  const path = findOnPath('claude', env)
  if (path === null) return null
  const result = await run([path, '--version'], { timeoutMs: 1_500 })
  return result.kind === 'exited' && result.exitCode === 0 ? result.stdout : null
}

export const checksOnClients = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { env, homeDir, folder, chosen } = context
  const { proxy } = chosen.profile
  const { slots } = plannedServer(chosen.profile.llamaServer)
  const readLimits = async () => {
    const header = await facts.modelHeader()
    const trained = header.kind === 'header' ? header.header.trainingContextTokens : null
    return clientLimits(chosen.profile.llamaServer, trained)
  }
  const isHere = async () => {
    const own = await facts.lanAddresses()
    return ({ host, port }: ReachAddress): boolean => {
      if (host === clientName) return true
      return port === proxy.port && (isLoopback(host) || own.includes(host))
    }
  }
  return [
    {
      id: 'clients.room',
      group: 'Clients',
      title: 'Context for each',
      why: 'Claude Code compacts in time only if it knows the size of its slot and has room in it; otherwise its request is refused first',
      read: async () => judgeRoom(await readLimits(), (key) => profilePlace(context, key)),
    },
    {
      id: 'clients.mends',
      group: 'Clients',
      title: "Router's fixes",
      why: 'Claude Code was built for another server; each of these was seen to break it here',
      read: async () => judgeMends(proxy, (key) => profilePlace(context, key)),
    },
    {
      id: 'clients.variables',
      group: 'Clients',
      title: 'Variables',
      why: 'Claude Code reads them from the shell that starts it, and says little when one is wrong',
      read: async () => judgeVariables(env, await isHere()),
    },
    {
      id: 'clients.settings',
      group: 'Clients',
      title: 'Claude settings',
      why: "they contain the profile's limits, and are not updated when the profile changes",
      read: async () => {
        const path = join(env['CLAUDE_CONFIG_DIR'] || join(homeDir, '.claude'), 'settings.json')
        const text = readFileOrNull(path)
        if (text === null) return null
        const here = await isHere()
        const baseUrl = clientBaseUrl(proxy, await facts.lanAddresses())
        const expected = claudeSettings({ baseUrl, apiKey: '', limits: await readLimits(), proxy, slots })
        const reading = readSettings(text, expected, (url) => {
          const address = readAddress(url)
          return address.kind === 'address' && here(address.address)
        })
        return judgeSettings(path, reading)
      },
    },
    {
      id: 'clients.version',
      group: 'Clients',
      title: 'Claude Code',
      why: 'its requests change from release to release',
      read: async () => {
        const says = await readVersion(context.run, env)
        return says === null
          ? null
          : judgeVersion(says, claudeModelName(proxy), (version) =>
              readReleaseTry(join(folder.root, releaseTriesFile), version),
            )
      },
    },
    {
      id: 'clients.agents-file',
      group: 'Clients',
      title: "Agents' file",
      why: 'agents rely on what it says about this machine',
      read: async () => {
        const paths = readInstalledFiles(folder.agentsFilesPath)
        if (paths.length === 0) return null
        const block = await readAgentsBlock({
          folder,
          platform: context.platform,
          profileName: chosen.name,
          profile: chosen.profile,
          engineIsReady: false,
        })
        return judgeAgentsFiles(paths.map((path) => ({ path, state: readAgentsFileState(path, block) })))
      },
    },
  ]
}
