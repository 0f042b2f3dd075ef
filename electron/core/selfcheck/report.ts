// What a run of the selfcheck came to, as `--json` prints it and report.json keeps it.
import { z } from 'zod'
import { probeGroups, probeVerdicts } from './probe.ts'

/** The four ways of starting that differ on a Mac, and what else there is. */
export const startKinds = ['terminal', 'ssh', 'agent', 'daemon', 'systemd', 'unknown'] as const

const OutputSchema = z.strictObject({
  /** Its words joined by blanks, or where the text is from. */
  command: z.string(),
  /** null: it did not run to its end, and `stderr` says why; or no command. */
  exitStatus: z.number().int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
})

const ProbeReportSchema = z.strictObject({
  id: z.string(),
  group: z.enum(probeGroups),
  assumed: z.string(),
  found: z.string(),
  verdict: z.enum(probeVerdicts),
  milliseconds: z.number().int().nonnegative(),
  /** Names and addresses are taken out. */
  outputs: z.array(OutputSchema),
})
export type ProbeReport = z.infer<typeof ProbeReportSchema>

export const SelfcheckReportSchema = z.strictObject({
  version: z.literal(1),
  system: z.strictObject({
    name: z.enum(['macOS', 'Linux']),
    /** Such as 26.1; on Linux the kernel's. null: not told. */
    version: z.string().nullable(),
    build: z.string().nullable(),
    /** Such as arm64. */
    machine: z.string(),
    /** Such as Mac15,14; null: not told. */
    model: z.string().nullable(),
    memoryBytes: z.number().int(),
    node: z.string(),
    nexus: z.string(),
  }),
  startedFrom: z.strictObject({ kind: z.enum(startKinds), because: z.string() }),
  /** Milliseconds since 1970. */
  startedAt: z.number().int(),
  milliseconds: z.number().int().nonnegative(),
  /** Ended by a signal: probes are missing. */
  interrupted: z.boolean(),
  probes: z.array(ProbeReportSchema),
  /** What could not be removed, with the command that removes it. */
  left: z.array(z.string()),
  summary: z.strictObject({
    pass: z.number().int(),
    fail: z.number().int(),
    notApplicable: z.number().int(),
  }),
  /** Elsewhere than on a Mac: what would be tried there and was not tried here. */
  askedOnMac: z.array(z.strictObject({ id: z.string(), assumed: z.string() })),
  /** What only a person can try, with the command to run afterwards. */
  byHand: z.array(z.string()),
  next: z.string(),
  /** Where the raw outputs lie; null: they could not be written, or this is the copy in that folder. */
  folder: z.string().nullable(),
})
export type SelfcheckReport = z.infer<typeof SelfcheckReportSchema>
export type StartedFrom = SelfcheckReport['startedFrom']
