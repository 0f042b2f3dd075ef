// The report of a selfcheck run, for `--json` and report.json.
import { z } from 'zod'
import { probeGroups, probeVerdicts } from './probe.ts'

/** The four ways of starting that differ on a Mac, and the others. */
const startKinds = ['terminal', 'ssh', 'agent', 'daemon', 'systemd', 'unknown'] as const

const ProbeReportSchema = z.strictObject({
  id: z.string(),
  group: z.enum(probeGroups),
  assumed: z.string(),
  found: z.string(),
  verdict: z.enum(probeVerdicts),
  milliseconds: z.number().int().nonnegative(),
})
export type ProbeReport = z.infer<typeof ProbeReportSchema>

export const SelfcheckReportSchema = z.strictObject({
  version: z.literal(1),
  system: z.strictObject({
    name: z.enum(['macOS', 'Linux']),
    /** Such as 26.1; on Linux the kernel's. null: unknown. */
    version: z.string().nullable(),
    build: z.string().nullable(),
    /** Such as arm64. */
    machine: z.string(),
    /** Such as Mac15,14; null: unknown. */
    model: z.string().nullable(),
    memoryBytes: z.number().int(),
    node: z.string(),
    nexus: z.string(),
  }),
  startedFrom: z.strictObject({ kind: z.enum(startKinds), because: z.string() }),
  /** Milliseconds since 1970. */
  startedAt: z.number().int(),
  milliseconds: z.number().int().nonnegative(),
  /** Ended by a signal: some probes are missing. */
  interrupted: z.boolean(),
  probes: z.array(ProbeReportSchema),
  /** What could not be removed, with the command to remove it. */
  left: z.array(z.string()),
  summary: z.strictObject({
    pass: z.number().int(),
    fail: z.number().int(),
    notApplicable: z.number().int(),
  }),
  /** Not on a Mac: the probes that only a Mac can run. */
  askedOnMac: z.array(z.strictObject({ id: z.string(), assumed: z.string() })),
  /** Checks only a person can do, with the command to run afterwards. */
  byHand: z.array(z.string()),
  next: z.string(),
  /** The folder of raw outputs; null: could not be written, or this is the copy in that folder. */
  folder: z.string().nullable(),
})
export type SelfcheckReport = z.infer<typeof SelfcheckReportSchema>
export type StartedFrom = SelfcheckReport['startedFrom']
