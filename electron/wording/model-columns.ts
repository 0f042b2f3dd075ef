// The columns of the table of models, and what their numbers are: one wording for the terminal and the window. Pure.

export const modelColumns = {
  model: 'Model',
  context: 'Context',
  firstTurn: 'First turn',
  rate: 'Tok/s',
} as const

export const explainColumns = (
  agents: number,
  firstTurnTokens: number,
): readonly (readonly [title: string, text: string])[] => [
  [
    modelColumns.context,
    `tokens for each of ${agents} when all are full, by the memory plan with all its reserves.`,
  ],
  [
    modelColumns.firstTurn,
    `${firstTurnTokens.toLocaleString('en-US')} tokens read at the published rate. Rates are those of the machine in the source.`,
  ],
]
