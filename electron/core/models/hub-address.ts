// The Hub's address, and which addresses may be requested. Pure.

export const hubEndpoint = 'https://huggingface.co'

/** Whether a request may go there: https, or http on this machine if the Hub itself is there (a mirror, a test). */
export const isAllowedAddress = (url: URL, endpoint: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url) && isLoopback(endpoint))

/** Of names only `localhost`: the address of any other name is unknown before the lookup. */
const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)

/** Why this can't be used as the Hub; null: it can. */
export const judgeEndpoint = (text: string): string | null => {
  const url = URL.canParse(text) ? new URL(text) : null
  const isPlain =
    url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return isPlain && isAllowedAddress(url, url)
    ? null
    : `HF_ENDPOINT must be an address such as ${hubEndpoint}: https (http only on this machine), without a password`
}
