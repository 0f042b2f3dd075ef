// Turns coloured terminal text on standard input into an SVG picture on standard output, for the README.
import { text } from 'node:stream/consumers'

const columnWidth = 8.43
const rowHeight = 19
const margin = 18

/** The 8 + 8 colours of a dark terminal, by SGR number (ECMA-48). */
const colors: Readonly<Record<number, string>> = {
  30: '#3b4048',
  31: '#ff6b6b',
  32: '#4ec98f',
  33: '#f0b849',
  34: '#62a0ff',
  35: '#b48ef0',
  36: '#56c4d6',
  37: '#d7dae0',
  90: '#878d98',
  91: '#ff8787',
  92: '#6fdca8',
  93: '#ffd06b',
  94: '#86b7ff',
  95: '#c9abff',
  96: '#7fdbe8',
  97: '#ffffff',
}

const escapeCharacter = String.fromCharCode(27)
/** In a group, so that split() keeps it. */
const sgrSequence = new RegExp(`(${escapeCharacter}\\[[\\d;]*m)`)

interface Style {
  color: string
  bold: boolean
  dim: boolean
}

const plain = (): Style => ({ color: '#d7dae0', bold: false, dim: false })

const applySgr = (before: Style, codes: readonly number[]): Style => {
  let style = { ...before }
  for (const code of codes) {
    if (code === 0) style = plain()
    else if (code === 1) style.bold = true
    else if (code === 2) style.dim = true
    else if (code === 22) style.bold = style.dim = false
    else if (code === 39) style.color = plain().color
    else style.color = colors[code] ?? style.color
  }
  return style
}

const escapeXml = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Places each run by its column, so that a fallback font can't shift the text after it. */
const renderRow = (line: string, row: number): string => {
  let style = plain()
  let column = 0
  let svg = ''
  for (const part of line.split(sgrSequence)) {
    const sgr = part.startsWith(escapeCharacter) ? /\[([\d;]*)m$/.exec(part) : null
    if (sgr !== null) {
      style = applySgr(style, (sgr[1] ?? '').split(';').map(Number))
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
const columns = 80
const width = Math.round(2 * margin + columns * columnWidth)
const height = 2 * margin + lines.length * rowHeight
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="nexus status in a terminal">
<rect width="100%" height="100%" rx="10" fill="#1b1d22"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace" font-size="14">
${lines.map(renderRow).join('')}</g>
</svg>
`)
