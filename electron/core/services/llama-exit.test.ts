import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ExitReport } from './child-service.ts'
import { explainLlamaExit } from './llama-exit.ts'

/** First line: `# exit=1 after=...`; the rest is what it wrote. */
function readFailure(name: string): ExitReport {
  const text = readFileSync(new URL(`./fixtures/llama-failures/${name}.txt`, import.meta.url), 'utf8')
  const exitCode = Number(/^# exit=(\d+)/.exec(text)?.[1])
  return { exitCode, signal: null, logTail: text.split('\n').slice(1) }
}

const report = (changes: Partial<ExitReport>): ExitReport => ({
  exitCode: 1,
  signal: null,
  logTail: [],
  ...changes,
})

describe('explainLlamaExit on recorded failures', () => {
  it.each([
    [
      'missing-model',
      /^The model \/nope\/DeepSeek\.gguf could not be loaded: the file cannot be opened \(No such file or directory\)/,
      true,
    ],
    ['bad-header-gguf', /badheader\.gguf could not be loaded: this GGUF file is version 1348650046/, true],
    ['metadata-cut-gguf', /meta-cut\.gguf could not be loaded: the file is damaged or cut off/, true],
    [
      'draft-missing',
      /^The draft model \/nope\/draft\.gguf could not be loaded: the file cannot be opened/,
      true,
    ],
    ['port-in-use', /^Port 18086 is in use by another program/, false],
    ['host-not-local', /192\.0\.2\.77 is not an address of this machine/, false],
    ['unknown-flag', /does not know the flag --not-a-flag/, true],
    ['old-b10068-load-mode', /does not know the flag --load-mode/, true],
    ['removed-draft-min', /no longer has the flag --draft-min .*use --spec-draft-n-min/, true],
    ['old-b10068-draft-max', /no longer has the flag --draft-max/, true],
    ['bad-cache-type', /refuses the value of -ctk: Unsupported cache type: q9_0/, true],
    ['fa-bare-old-syntax', /refuses the value of -fa: .*'--host'/, true],
    ['spec-type-bad-value', /refuses the value of --spec-type: unknown speculative type: draft/, true],
    ['api-key-file-missing', /cannot read its API key file .*\/nope\/keys/, true],
    ['chat-template-file-missing', /cannot read the chat template file .*\/nope\.jinja/, true],
    ['kv-alloc-fail-ulimit-fit-off', /^The KV cache did not fit in memory \(22\.89 GiB in one piece\)/, true],
    ['kv-alloc-fail-ulimit-fit-on', /^The KV cache did not fit in memory \(22\.89 GiB/, true],
    ['kv-alloc-fail-swafull', /^The KV cache did not fit in memory \(22\.89 GiB/, true],
    ['kv-alloc-huge-ctx-fit-off', /killed from outside \(SIGKILL\).*memory runs out/, false],
    ['v-quant-fa-off', /quantized V cache needs flash attention/, true],
    ['old-b10068-v-quant-fa-off', /quantized V cache needs flash attention/, true],
  ])('%s', (name, reason, permanent) => {
    const explained = explainLlamaExit(readFailure(name))
    expect(explained.reason).toMatch(reason)
    expect(explained.permanent).toBe(permanent)
    expect(explained.reason).not.toMatch(/\d\.\d\d\.\d{3}\.\d{3}|undefined|\n/)
  })
})

describe('explainLlamaExit', () => {
  // Lines in the recorded format, values made up.
  const load = (line: string) => [line, "0.00.1.1 E srv    load_model: failed to load model, '/m.gguf'"]
  it.each([
    [
      "0.0 E gguf_init_from_reader: invalid magic characters: '<!DO', expected 'GGUF'",
      /it is not a GGUF file \(it begins with '<!DO'\)/,
    ],
    ['0.0 E gguf_init_from_reader: failed to read magic', /it is empty or not a file/],
    [
      "0.0 E llama_model_load: error loading model: tensor 'token_embd.weight' data is not within the file bounds, model is corrupted or incomplete",
      /download was probably not finished/,
    ],
    [
      "0.0 E llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'new7'",
      /too old or too new for it/,
    ],
    ['0.0 E llama_model_load: error loading model: something new', /could not be loaded: something new/],
    ['0.0 E nothing that tells', /gave no reason/],
  ])('of a model: %s', (line, reason) => {
    const explained = explainLlamaExit(report({ logTail: load(line) }))
    expect(explained.reason).toMatch(reason)
    expect(explained.permanent).toBe(true)
  })

  it.each([
    ['SIGKILL', null, /killed from outside \(SIGKILL\)/, false],
    ['SIGSEGV', null, /SIGSEGV/, false],
    ['SIGABRT', null, /gave up \(SIGABRT\)/, false],
    ['SIGILL', null, /CPU instructions that this machine lacks/, true],
    ['SIGBUS', null, /SIGBUS/, false],
    ['SIGUSR1', null, /was ended by SIGUSR1/, false],
    [null, 132, /CPU instructions that this machine lacks/, true],
    [null, 139, /SIGSEGV/, false],
    [null, 0, /ended with status 0\. Its last line: the end/, false],
    [null, 7, /ended with status 7\. Its last line: the end/, false],
    [null, null, /exit status is not known\. Its last line: the end/, false],
  ])('of signal %s, status %s without a telling line', (signal, exitCode, reason, permanent) => {
    const explained = explainLlamaExit({ signal, exitCode, logTail: ['the start', 'the end', ''] })
    expect(explained.reason).toMatch(reason)
    expect(explained.permanent).toBe(permanent)
  })

  it('of a failed assertion quotes it', () => {
    const logTail = ['/src/ggml.c:12: GGML_ASSERT(n_ctx > 0) failed', '#0 0x0000 in ??', '']
    const { reason } = explainLlamaExit({ exitCode: null, signal: 'SIGABRT', logTail })
    expect(reason).toContain('GGML_ASSERT(n_ctx > 0) failed')
  })

  it('of a GPU out of memory lets another try be made', () => {
    const logTail = [
      'ggml_metal_synchronize: error: command buffer 0 failed with status 5',
      'error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)',
    ]
    expect(explainLlamaExit({ exitCode: null, signal: 'SIGABRT', logTail })).toEqual({
      reason: expect.stringMatching(/^The GPU ran out of memory/),
      permanent: false,
    })
  })

  it('of a missing library names it', () => {
    const line =
      'llama-server: error while loading shared libraries: libvulkan.so.1: cannot open shared object file'
    expect(explainLlamaExit(report({ exitCode: 127, logTail: [line] })).reason).toContain('libvulkan.so.1')
  })

  it('does not blame a request that was refused long before', () => {
    const logTail = ['E srv send_error: task id = 9, error: Context size has been exceeded.', 'the end']
    expect(explainLlamaExit(report({ exitCode: 3, logTail })).reason).toMatch(/status 3/)
  })

  it('bears an empty, a huge and a binary log', () => {
    expect(explainLlamaExit(report({})).reason).toBe('llama-server ended with status 1. It wrote no log.')
    const huge = Array.from({ length: 100_000 }, () => 'x'.repeat(1000))
    expect(explainLlamaExit(report({ logTail: huge })).reason.length).toBeLessThan(700)
    expect(explainLlamaExit(report({ logTail: ['\u0000\u0001'] })).reason).toMatch(/status 1/)
  })
})

const fixtures = `${process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures'}/llama-server`
describe.skipIf(!existsSync(fixtures))(`public recordings (skipped where ${fixtures} is absent)`, () => {
  it.each(['metal-2024-07-oom-m1pro', 'metal-2026-oom-repeats', 'metal-2026-oom-warmup-abort'])(
    '%s',
    (name) => {
      const logTail = readFileSync(`${fixtures}/${name}.log`, 'utf8').split('\n')
      expect(explainLlamaExit({ exitCode: null, signal: 'SIGABRT', logTail })).toEqual({
        reason: expect.stringMatching(/^The GPU ran out of memory/),
        permanent: false,
      })
    },
  )
})
