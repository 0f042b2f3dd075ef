// Parses llama-server's /metrics (Prometheus text).

export type LlamaMetrics = Readonly<NonNullable<ReturnType<typeof parseMetrics>>>

const maxMetricsCharacters = 1_000_000

/** null when no line is llama-server's: a different server, an error body, an empty answer. */
export function parseMetrics(text: string) {
  const values = new Map<string, number>()
  for (const line of text.slice(0, maxMetricsCharacters).split('\n')) {
    const match = /^llamacpp:([a-z_]+)(?:\{[^}]*\})?\s+(\S+)/.exec(line.trim())
    if (match === null) continue
    const value = Number(match[2])
    if (match[1] !== undefined && Number.isFinite(value) && value >= 0) values.set(match[1], value)
  }
  if (values.size === 0) return null
  const read = (name: string) => values.get(name) ?? null
  const count = (name: string) => {
    const value = read(name)
    return value === null ? null : Math.round(value)
  }
  const tokensPredictedTotal = count('tokens_predicted_total')
  return {
    promptTokensTotal: count('prompt_tokens_total'),
    /** Moves only when a request ends (measured on b10068 and b10434); a cancelled request is never counted. */
    tokensPredictedTotal,
    /** Resolution of the total: 6 digits are printed, so 2.16578e+06 counts in tens. */
    tokensPredictedStep: printedStep(tokensPredictedTotal ?? 0),
    requestsProcessing: count('requests_processing'),
    requestsDeferred: count('requests_deferred'),
    /** Absent on b10068. */
    draftTokensTotal: count('spec_decode_num_draft_tokens_total'),
    draftAcceptedTotal: count('spec_decode_num_accepted_tokens_total'),
  }
}

const printedStep = (value: number) => (value < 1_000_000 ? 1 : 10 ** (Math.floor(Math.log10(value)) - 5))
