import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { hasRecordings, readRecording } from '../platform/test-support/recordings.ts'
import type { ExitReport } from '../supervise/child-service.ts'
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

describe('a model in parts', () => {
  // Recorded on Linux x86-64, b10068, with made-up parts of a few hundred bytes.
  const ending = `0.00.015.596 E llama_model_load_from_file_impl: failed to load model
0.00.015.598 E cmn  common_init_: failed to load model '/m/big-00001-of-00003.gguf'
0.00.015.601 E srv    load_model: failed to load model, '/m/big-00001-of-00003.gguf'
0.00.015.602 I srv    operator(): operator(): cleaning up before exit...`
  const explain = (...lines: string[]) =>
    explainLlamaExit({ exitCode: 1, signal: null, logTail: [...lines, ...ending.split('\n')] }).reason

  it('names the part that is missing or damaged', () => {
    const split =
      '0.00.015.596 E llama_model_load: error loading model: llama_model_loader: failed to load GGUF split from /m/big-00002-of-00003.gguf'
    expect(
      explain(
        "0.00.015.591 E gguf_init_from_file: failed to open GGUF file '/m/big-00002-of-00003.gguf' (No such file or directory)",
        split,
      ),
    ).toBe(
      'The model /m/big-00001-of-00003.gguf could not be loaded: of its part /m/big-00002-of-00003.gguf: the file cannot be opened (No such file or directory).',
    )
    expect(explain('0.00.015.591 E gguf_init_from_reader: failed to read header', split)).toContain(
      'of its part /m/big-00002-of-00003.gguf: the file is damaged or cut off',
    )
  })
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
    ['api-key-file-missing', /refuses the value of --api-key-file: .*\/nope\/keys/, true],
    ['chat-template-file-missing', /refuses the value of --chat-template-file: .*\/nope\.jinja/, true],
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
    ['0.0 E gguf_init_from_reader: failed to read magic', /it is empty or not a regular file/],
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
    ['SIGABRT', null, /aborted \(SIGABRT\)/, false],
    ['SIGILL', null, /CPU instructions that this machine lacks/, true],
    ['SIGBUS', null, /SIGBUS/, false],
    ['SIGUSR1', null, /was killed by SIGUSR1/, false],
    [null, 132, /CPU instructions that this machine lacks/, true],
    [null, 139, /SIGSEGV/, false],
    [null, 0, /exited with status 0\. Its last line: the end/, false],
    [null, 7, /exited with status 7\. Its last line: the end/, false],
    [null, null, /exit status is unknown\. Its last line: the end/, false],
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

  it('of a GPU out of memory allows a retry', () => {
    const logTail = [
      'ggml_metal_synchronize: error: command buffer 0 failed with status 5',
      'error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)',
    ]
    expect(explainLlamaExit({ exitCode: null, signal: 'SIGABRT', logTail })).toEqual({
      reason: expect.stringMatching(/^The GPU ran out of memory/),
      permanent: false,
    })
  })

  it.each([
    [
      'llama-server: error while loading shared libraries: libvulkan.so.1: cannot open shared object file: No such file or directory',
      /needs the library libvulkan\.so\.1, which cannot be loaded \(cannot open shared object file/,
    ],
    // Written after ggml-org/llama.cpp#11083 and gpustack/gpustack#2447, paths and addresses made up.
    [
      `dyld[4711]: Library not loaded: @rpath/libllama.0.dylib
  Referenced from: <01234567-89AB-3CDE-8F01-23456789ABCD> /opt/homebrew/Cellar/llama.cpp/9999/bin/llama-server
  Reason: tried: '/opt/homebrew/Cellar/llama.cpp/9999/lib/libllama.0.dylib' (no such file)`,
      /needs the library @rpath\/libllama\.0\.dylib, which cannot be loaded \(no such file\); mend it with: brew reinstall ggml llama\.cpp\.$/,
    ],
    [
      `dyld[4711]: Symbol not found: _ggml_made_up
  Referenced from: <01234567-89AB-3CDE-8F01-23456789ABCD> /opt/homebrew/Cellar/llama.cpp/9999/lib/libllama.0.dylib
  Expected in:     <01234567-89AB-3CDE-8F01-23456789ABCE> /opt/homebrew/Cellar/ggml/0.1.0/lib/libggml-base.0.dylib`,
      /libggml-base\.0\.dylib lacks _ggml_made_up; mend it with: brew reinstall ggml llama\.cpp\.$/,
    ],
    // As macOS 12 puts it (chapel-lang/chapel#25097).
    [
      `dyld[4711]: Symbol not found: (_ggml_made_up)
  Referenced from: '/Applications/Some.app/llama-server'
  Expected in: '/Applications/Some.app/libggml-base.dylib'`,
      /\/Applications\/Some\.app\/libggml-base\.dylib lacks _ggml_made_up; reinstall llama\.cpp completely/,
    ],
    [
      `dyld[4711]: Library not loaded: @rpath/libggml.dylib
  Referenced from: <01234567-89AB-3CDE-8F01-23456789ABCD> /usr/local/bin/llama-server
  Reason: tried: '/x/libggml.dylib' (mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64'))`,
      /incompatible architecture \(have 'x86_64', need 'arm64'/,
    ],
    ['dyld: Library not loaded: @rpath/libggml.dylib', /needs the library @rpath\/libggml\.dylib/],
    ['dyld[4711]: missing symbol called', /lacks a function that it calls/],
    [
      '/x/llama-server: symbol lookup error: /x/libmtmd.so: undefined symbol: mtmd_made_up',
      /none of them has mtmd_made_up/,
    ],
    [
      "/x/llama-server: /lib/libc.so.6: version `GLIBC_2.99' not found (required by /x/llama-server)",
      /newer system, which has GLIBC_2\.99/,
    ],
  ])('of a program that the loader refuses: %s', (text, reason) => {
    const logTail = text.split('\n')
    for (const exit of [
      { exitCode: null, signal: 'SIGABRT' },
      { exitCode: 127, signal: null },
    ]) {
      const explained = explainLlamaExit({ ...exit, logTail })
      expect(explained.reason).toMatch(reason)
      expect(explained.permanent).toBe(true)
    }
  })

  // b10068 on Linux x86-64, started with such files.
  it.each([
    [
      `0.00.003.302 W render_message_to_json: Neither string content nor typed content is supported by the template. This is unexpected and may lead to issues.
0.00.004.081 E common_chat_verify_template: failed to apply template: Unable to generate parser for this template. Automatic parser generation failed: 
------------
While executing CallExpression at line 1, column 43 in source:
...- for m in messages %}{{ raise_exception("Unknown role: " + m.role) }}{%- endfor...
                                           ^
Error: Jinja Exception: Unknown role: user
error: the supplied chat template is not supported: {%- for m in messages %}{{ raise_exception("Unknown role: " + m.role) }}{%- endfor %}
`,
      'Jinja Exception: Unknown role: user',
    ],
    [
      `error: the supplied chat template is not supported: not jinja at all {{ messages[0]["content"] | nosuchfilter }}

0.00.003.068 E common_chat_verify_template: failed to apply template: Unable to generate parser for this template. Automatic parser generation failed: 
------------
While executing FilterExpression at line 1, column 44 in source:
... jinja at all {{ messages[0]["content"] | nosuchfilter }}...
                                           ^
Error: Unknown (built-in) filter 'nosuchfilter' for type String`,
      "Unknown (built-in) filter 'nosuchfilter' for type String",
    ],
    [
      `error: the supplied chat template is not supported: {% if %} {{ broken
note: llama.cpp was started without --jinja, we only support commonly used templates
`,
      'llama.cpp was started without --jinja, we only support commonly used templates',
    ],
    ['error: the supplied chat template is not supported: {% if %}', 'it gave no reason'],
    // A template so long that the line before it is not among the last ones.
    [
      '0.00.004.177 E common_chat_templates_init: error: Unexpected token: %} of type 9\n0.00.004.205 E common_chat_verify_template: failed to apply template: std::exception\n{# made up #}',
      'Unexpected token: %} of type 9',
    ],
  ])('of a chat template that cannot be applied: %s', (text, why) => {
    expect(explainLlamaExit(report({ logTail: text.split('\n') }))).toEqual({
      reason: `llama-server cannot apply the chat template: ${why}. Set llamaServer.chatTemplate to another one.`,
      permanent: true,
    })
  })

  it('of a chat template that fails only after the model was loaded', () => {
    // The words of server-context.cpp (2026); the error is made up.
    const logTail =
      `0.01.606.855 I srv    load_model: initializing, n_slots = 4, n_ctx_slot = 32768, kv_unified = 'true'
0.01.607.000 I srv  llama_server: model loaded
0.01.607.001 E srv          init: init: chat template parsing error: User role must provide content as an iterable
0.01.607.002 E srv          init: init: please consider disabling jinja via --no-jinja, or use a custom chat template via --chat-template
0.01.607.003 E srv          init: init: for example: --no-jinja --chat-template chatml
0.01.607.004 I srv    operator(): operator(): cleaning up before exit...
0.01.607.005 E srv  llama_server: exiting due to model loading error`.split('\n')
    const explained = explainLlamaExit(report({ logTail }))
    expect(explained.reason).toContain('User role must provide content as an iterable')
    expect(explained.permanent).toBe(true)
  })

  // Lines in the recorded formats, values made up.
  const served = [
    '0.01.015.048 I srv  llama_server: listening on http://127.0.0.1:18085',
    '0.09.000.001 I slot launch_slot_: id  0 | task 7 | processing task, is_child = 0',
  ]
  const memoryLines = [
    'error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)',
    '0.00.722.093 E alloc_tensor_range: failed to allocate CPU buffer of size 24577572864',
    '0.00.729.888 E llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache',
    "0.00.729.889 E srv    load_model: failed to load draft model, '/nope/draft.gguf'",
  ]

  it.each([
    ['SIGKILL', null],
    [null, 137],
    ['SIGTERM', null],
  ])('ignores an earlier line about memory after %s (status %s)', (signal, exitCode) => {
    const logTail = [...memoryLines, ...served, '0.10.000.000 I srv  update_slots: all slots are idle']
    const { reason, permanent } = explainLlamaExit({ signal, exitCode, logTail })
    expect(reason).toMatch(/\((?:SIGKILL|SIGTERM)\)/)
    expect(reason).not.toMatch(/GPU|KV cache|draft|GiB/)
    expect(permanent).toBe(false)
  })

  it('of a server that was ready ignores earlier lines and the texts of a failed start', () => {
    const logTail = [...memoryLines, ...served]
    expect(explainLlamaExit({ exitCode: null, signal: 'SIGSEGV', logTail }).reason).toMatch(/SIGSEGV/)
    const atItsEnd = [...served, memoryLines[0] ?? '']
    expect(explainLlamaExit({ exitCode: null, signal: 'SIGABRT', logTail: atItsEnd }).reason).toMatch(
      /^The GPU ran out of memory/,
    )
    // Seen ready, but its log of a thousand lines begins later.
    const late = explainLlamaExit(report({ logTail: memoryLines.slice(1) }), true)
    expect(late).toEqual({
      reason: expect.stringMatching(/could not get the memory it needs \(22\.89 GiB/),
      permanent: false,
    })
  })

  it('reports a clean shutdown of a server that was ready', () => {
    const logTail = [...served, '0.24.970.125 I srv    operator(): operator(): cleaning up before exit...']
    expect(explainLlamaExit({ exitCode: null, signal: null, logTail })).toEqual({
      reason: 'llama-server was stopped by something other than Nexus and shut down cleanly.',
      permanent: false,
    })
  })

  it('does not blame a request that was refused long before', () => {
    const logTail = ['E srv send_error: task id = 9, error: Context size has been exceeded.', 'the end']
    expect(explainLlamaExit(report({ exitCode: 3, logTail })).reason).toMatch(/status 3/)
  })

  it('survives an empty, a huge and a binary log', () => {
    expect(explainLlamaExit(report({})).reason).toBe('llama-server exited with status 1. It wrote no log.')
    const huge = Array.from({ length: 100_000 }, () => 'x'.repeat(1000))
    expect(explainLlamaExit(report({ logTail: huge })).reason.length).toBeLessThan(700)
    expect(explainLlamaExit(report({ logTail: ['\u0000\u0001'] })).reason).toMatch(/status 1/)
  })
})

describe.skipIf(!hasRecordings)('explainLlamaExit on recordings (skipped without them)', () => {
  it.each([
    ['metal-2024-07-oom-m1pro.log', null, 'SIGABRT', /^The GPU ran out of memory/, false],
    ['metal-2026-oom-repeats.log', null, 'SIGABRT', /^The GPU ran out of memory/, false],
    ['metal-2026-oom-warmup-abort.log', null, 'SIGABRT', /^The GPU ran out of memory/, false],
    [
      'failures/chat-template-at-start.txt',
      1,
      null,
      /chat template: Unexpected token: %} of type 9\. Set/,
      true,
    ],
    ['b10068-kv-alloc-failed-cpu.log', 139, null, /^The KV cache did not fit in memory/, true],
    ['b10434-kv-alloc-failed-cpu.log', 1, null, /^The KV cache did not fit in memory/, true],
    ['b10068-model-missing.log', 1, null, /the file cannot be opened \(No such file or directory\)/, true],
    ['b10434-model-missing.log', 1, null, /the file cannot be opened \(No such file or directory\)/, true],
    ['b10068-port-in-use.log', 1, null, /^Port \d+ is in use by another program/, false],
    ['b10434-port-in-use.log', 1, null, /^Port \d+ is in use by another program/, false],
  ])('%s', (name, exitCode, signal, reason, permanent) => {
    const logTail = readRecording(`llama-server/${name}`).split('\n')
    const explained = explainLlamaExit({ exitCode, signal, logTail })
    expect(explained.reason).toMatch(reason)
    expect(explained.permanent).toBe(permanent)
  })
})
