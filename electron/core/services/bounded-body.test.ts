// An answer is taken whole or not at all, and never more of it than allowed.
import { describe, expect, it } from 'vitest'
import { readBoundedText } from './bounded-body.ts'

const streamOf = (pieces: readonly string[]) => {
  const state = { pulled: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const piece = pieces[state.pulled]
        state.pulled += 1
        if (piece === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(piece))
      },
      cancel: () => {
        state.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { response: new Response(body), state }
}

describe('readBoundedText', () => {
  it('reads an answer that fits exactly, characters cut by the pieces included', async () => {
    const whole = new TextEncoder().encode('aüb')
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(whole.subarray(0, 2))
        controller.enqueue(whole.subarray(2))
        controller.close()
      },
    })
    expect(await readBoundedText(new Response(body), 4)).toBe('aüb')
  })

  it('counts bytes, not characters', async () => {
    expect(await readBoundedText(new Response('üü'), 3)).toBeNull()
  })

  it('takes no more once it is too long', async () => {
    const { response, state } = streamOf(['12345', '67890', 'abcde', 'fghij'])
    expect(await readBoundedText(response, 9)).toBeNull()
    expect(state).toEqual({ pulled: 2, cancelled: true })
  })

  it('reads no body as no text', async () => {
    expect(await readBoundedText(new Response(null), 9)).toBe('')
  })
})
