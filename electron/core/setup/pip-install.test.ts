import { describe, expect, it } from 'vitest'
import { countRequirements, createPipProgress } from './pip-install.ts'

// Own sample in the form that `scripts/update-locks` writes; hashes shortened and made up.
const requirements = `# Locked by scripts/update-locks
alpha==1.0 \\
    --hash=sha256:00
beta==2.0 ; python_full_version < '3.11' \\
    --hash=sha256:01
gamma-x==3.0 \\
    --hash=sha256:02
`

describe('one line of pip', () => {
  it.each([
    ['Collecting aiohttp==3.14.5 (from -r /r.txt (line 5))', 'Fetching X: aiohttp'],
    ['  Downloading zipp-4.1.2-py3-none-any.whl (10 kB)', 'Downloading X: zipp, 10 kB'],
    ['  Downloading packages/zipp-4.1.2-py3-none-any.whl', 'Downloading X: zipp'],
    [
      `Ignoring annotated-doc: markers 'python_full_version < "3.11"' don't match your environment`,
      undefined,
    ],
    ['Installing collected packages: zipp, yarl', 'Unpacking X'],
    ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES', undefined],
    ['', undefined],
    ['Collecting', undefined],
  ])('%s', (line, message) => {
    expect(createPipProgress('X', requirements)(line)?.message).toBe(message)
  })
})

describe('countRequirements', () => {
  it('counts packages, not hashes or comments', () => {
    expect(countRequirements(requirements)).toBe(3)
    expect(countRequirements('')).toBe(0)
  })
})

describe('createPipProgress', () => {
  it('counts against the requirements that apply here', () => {
    const read = createPipProgress('LiteLLM', requirements)
    expect(read('Ignoring beta: markers do not match')).toBeNull()
    expect(read('Collecting alpha==1.0')).toEqual({ message: 'Fetching LiteLLM: alpha', done: 1, total: 2 })
    expect(read('  Downloading alpha-1.0-py3-none-any.whl (1.2 MB)')).toEqual({
      message: 'Downloading LiteLLM: alpha, 1.2 MB',
      done: 1,
      total: 2,
    })
    expect(read('Collecting gamma-x==3.0')?.done).toBe(2)
    expect(read('Collecting gamma-x==3.0')?.done).toBe(2)
    expect(read('Installing collected packages: alpha')).toEqual({
      message: 'Unpacking LiteLLM',
      done: 2,
      total: 2,
    })
    expect(read('noise')).toBeNull()
  })
})
