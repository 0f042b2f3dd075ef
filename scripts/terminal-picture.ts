// Turns coloured terminal text on standard input into an SVG picture on standard output, for the README.
import { text } from 'node:stream/consumers'

const columnWidth = 8.43
const rowHeight = 19
const margin = 18

/** The 8 + 8 colours of a dark terminal, as SGR 30 to 37 and 90 to 97 name them (ECMA-48). */
const palette =
  '#3b4048 #ff6b6b #4ec98f #f0b849 #62a0ff #b48ef0 #56c4d6 #d7dae0 #878d98 #ff8787 #6fdca8 #ffd06b #86b7ff #c9abff #7fdbe8 #ffffff'.split(
    ' ',
  )
const plainColor = '#d7dae0'

const escapeCharacter = String.fromCharCode(27)
/** In a group, so that split() keeps it. */
const sgrSequence = new RegExp(`(${escapeCharacter}\\[[\\d;]*m)`)

interface Style {
  readonly color: string
  readonly bold: boolean
  readonly dim: boolean
}

const plain: Style = { color: plainColor, bold: false, dim: false }

const applySgr = (style: Style, code: number): Style => {
  if (code === 0) return plain
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 22) return { ...style, bold: false, dim: false }
  if (code === 39) return { ...style, color: plainColor }
  const at = code >= 90 ? code - 82 : code < 38 ? code - 30 : -1
  return { ...style, color: palette[at] ?? style.color }
}

const escapeXml = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Places each run by its column, so that a fallback font can't shift the text after it. */
const renderRow = (line: string, row: number): string => {
  let style = plain
  let column = 0
  let svg = ''
  for (const part of line.split(sgrSequence)) {
    const sgr = part.startsWith(escapeCharacter) ? /\[([\d;]*)m$/.exec(part) : null
    if (sgr !== null) {
      for (const code of (sgr[1] ?? '').split(';')) style = applySgr(style, Number(code))
      continue
    }
    if (part.trim() !== '') {
      const x = (margin + column * columnWidth).toFixed(1)
      const y = margin + (row + 1) * rowHeight - 5
      const look = `fill="${style.color}"${style.bold ? ' font-weight="bold"' : ''}${style.dim ? ' opacity="0.65"' : ''}`
      const width = (part.length * columnWidth).toFixed(1)
      svg += `<text x="${x}" y="${y}" textLength="${width}" xml:space="preserve" ${look}>${escapeXml(part)}</text>\n`
    }
    column += part.length
  }
  return svg
}

const lines = (await text(process.stdin)).trimEnd().split('\n')
const columnsOf = (line: string): number =>
  line.split(sgrSequence).reduce((sum, part) => sum + (part.startsWith(escapeCharacter) ? 0 : part.length), 0)
const columns = Math.max(...lines.map(columnsOf))
const width = Math.round(2 * margin + columns * columnWidth)
const height = 2 * margin + lines.length * rowHeight
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="nexus status in a terminal">
<rect width="100%" height="100%" rx="10" fill="#1b1d22"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace" font-size="14">
${lines.map(renderRow).join('')}</g>
</svg>
`)
