import * as z from 'zod'

/**
 * CycloneDX 1.6 as JSON, as much of it as lastgasp writes, and strictly: what is not here is not in a document. From the
 * specification, cyclonedx.org/docs/1.6/json (bom-1.6.schema.json of ECMA-424).
 */
const ref = z.string().min(1)
const hash = z.discriminatedUnion('alg', [
  z.strictObject({ alg: z.literal('SHA-256'), content: z.string().regex(/^[a-f0-9]{64}$/) }),
  z.strictObject({ alg: z.literal('SHA-512'), content: z.string().regex(/^[a-f0-9]{128}$/) }),
])
// licenseChoice: any number of licences, or one expression.
const licenses = z.union([
  z.array(z.strictObject({ license: z.strictObject({ id: z.string().regex(/^[0-9A-Za-z][\w.-]*$/) }) })).min(1),
  z.tuple([z.strictObject({ expression: z.string().min(1) })]),
])
const component = z.strictObject({
  type: z.enum(['application', 'library', 'platform']),
  'bom-ref': ref,
  group: z.string().optional(),
  name: z.string().min(1),
  version: z.string().optional(),
  hashes: z.array(hash).optional(),
  licenses: licenses.optional(),
  cpe: z
    .string()
    .regex(/^cpe:2\.3:a(:[^:*?\s]+){3}(:\*){7}$/)
    .optional(),
  purl: z
    .string()
    .regex(/^pkg:(npm|deb|rpm|generic)\/[\w.%+-]+(\/[\w.%+-]+)*@[\w.%~-]+(\?arch=\w+)?$/)
    .optional(),
  properties: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
})
const unique = (refs: readonly string[]) => new Set(refs).size === refs.length

export const cyclonedx = z
  .strictObject({
    $schema: z.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
    bomFormat: z.literal('CycloneDX'),
    specVersion: z.literal('1.6'),
    serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    version: z.literal(1),
    metadata: z.strictObject({ lifecycles: z.tuple([z.strictObject({ phase: z.literal('build') })]), component }),
    components: z.array(component),
    dependencies: z.array(
      z.strictObject({ ref, dependsOn: z.array(ref).refine(unique, 'each dependency once').optional() }),
    ),
  })
  .refine(({ metadata, components, dependencies }) => {
    const refs = [metadata.component, ...components].map((each) => each['bom-ref'])
    const named = dependencies.flatMap((each) => [each.ref, ...(each.dependsOn ?? [])])
    return unique(refs) && named.every((each) => refs.includes(each)) && dependencies.length === refs.length
  }, 'every reference leads to one component, and every component says what it depends on')
