// Where the Hub is, and which addresses may be asked. Pure.

export const hubEndpoint = 'https://huggingface.co'

/** Whether something may be asked there: https, or http on this machine when the Hub itself is there (a mirror, a test). */
export const isAllowedAddress = (url: URL, endpoint: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url) && isLoopback(endpoint))

/** `localhost` only by name: an address that another name leads to is not known before it is asked. */
const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)

/** Why this is no Hub to ask; null: it is. */
export const judgeEndpoint = (text: string): string | null => {
  const url = URL.canParse(text) ? new URL(text) : null
  const isPlain =
    url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return isPlain && isAllowedAddress(url, url)
    ? null
    : `HF_ENDPOINT should be an address such as ${hubEndpoint}: https (http only on this machine), without a password`
}
