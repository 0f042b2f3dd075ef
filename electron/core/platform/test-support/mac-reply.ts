// What a pretended command answers.

export interface Reply {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export const print = (stdout: string): Reply => ({ exitCode: 0, stdout, stderr: '' })
export const refuse = (exitCode: number, stderr: string): Reply => ({ exitCode, stdout: '', stderr })
