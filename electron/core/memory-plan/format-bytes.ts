// Bytes for people: decimal units, as the Studio's map and llama.cpp's working-set line use them.

export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes)
  if (size >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`
  if (size >= 1e6) return `${(bytes / 1e6).toFixed(0)} MB`
  return `${(bytes / 1e3).toFixed(0)} kB`
}

/** 131072 -> "131,072": context sizes are read digit by digit. */
export const formatCount = (count: number): string => count.toLocaleString('en-US')

/** As makers sell memory: 274.88 GB is what everybody calls 256 GB. */
export const formatGibibytes = (bytes: number): string =>
  `${Number((bytes / 1024 ** 3).toFixed(1)).toLocaleString('en-US')} GiB`
