// `nexus doctor`: placeholder until the checks land in this working tree.
import type { CliCommand } from '../arguments.ts'
import type { CliContext } from '../context.ts'

export const runDoctor = async (
  _command: Extract<CliCommand, { name: 'doctor' }>,
  context: CliContext,
): Promise<number> => {
  context.printError('nexus doctor is not there yet')
  return 1
}
