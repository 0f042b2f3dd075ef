// The models that were judged: resources/models.json.
import { join } from 'node:path'
import { z } from 'zod'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { readFileOrNull } from '../base/private-file.ts'

const CatalogueSchema = z.object({
  models: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      repo: z.string(),
      files: z.array(
        z.object({
          path: z.string(),
          /** null: not known, as with the hash. */
          bytes: z.number().int().positive().nullable(),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .nullable(),
        }),
      ),
    }),
  ),
})
export type CatalogueModel = z.infer<typeof CatalogueSchema>['models'][number]

/** Empty when the file isn't there. Throws when it is not of this form: it comes with the program. */
export const readCatalogue = (resourcesDir: string): readonly CatalogueModel[] => {
  const text = readFileOrNull(join(resourcesDir, 'models.json'))
  return text === null ? [] : CatalogueSchema.parse(parseBoundedJson(text)).models
}
