// The Build Forge of one profile: its RAM disk, and the survey of what builds keep on it.
import { preparingForCargo } from '../forge/forge-layout.ts'
import { createForgeSurvey } from '../forge/forge-survey.ts'
import { readForgeUse } from '../forge/forge-use.ts'
import { createRamDiskService, ramDiskSpec } from '../forge/ram-disk-service.ts'
import { createCommandRunner } from '../platform/run-command.ts'
import type { AssemblyOptions } from './assembly-options.ts'

export const assembleForge = ({
  profile,
  platform,
  onChange,
  note,
  logError,
  run = createCommandRunner(),
}: AssemblyOptions) => {
  const { ramDisk } = platform
  const spec = ramDiskSpec(profile, platform)
  const service = createRamDiskService(preparingForCargo(ramDisk, logError), spec, onChange, (text) =>
    note({ at: Date.now(), severity: 'warning', service: 'ramDisk', text: `Build Forge: ${text}` }),
  )
  const survey = createForgeSurvey({
    readDisk: service.read,
    readUse: async (mountPoint) =>
      readForgeUse(mountPoint, {
        run,
        ignoresOwners: (await ramDisk.ignoresOwners(spec)) === true,
      }),
    readHeldBytes: async () => {
      const backing = await ramDisk.readBacking(spec)
      return backing?.kind === 'program' ? backing.residentBytes : null
    },
    onError: logError,
  })
  return { service, read: survey.read }
}
