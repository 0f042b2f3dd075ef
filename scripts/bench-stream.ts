// Reads the data fields of a stream of server-sent events (HTML standard, "Server-sent events").

export async function* readServerSentEvents(response: Response): AsyncGenerator<string> {
  if (!response.ok || response.body === null)
    throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`)
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim()
  }
}
