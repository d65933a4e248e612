import { hash } from 'node:crypto'
import type { Owner } from './owners.ts'
import type { Architecture } from './runtime.ts'
import type { KnownRuntime } from './runtime-pin.ts'
import type { Shipped, ShippedPackage } from './shipped.ts'

/** A library that the bake brought from its machine, and the package it is from, where one is known. */
export interface SbomLibrary {
  readonly name: string
  readonly sha256: string
  readonly owner: Owner | undefined
}

export interface SbomFacts {
  readonly arch: Architecture
  readonly shipped: Shipped
  readonly runtime: KnownRuntime
  readonly libraries: readonly SbomLibrary[]
}

/** All that Node needs beside glibc is GCC's runtime: libatomic, libgcc_s, libstdc++. */
const GCC = 'GPL-3.0-or-later WITH GCC-exception-3.1'
const RUNTIME = 'runtime'

/**
 * The bill of materials of what lastgasp puts into an image: CycloneDX 1.6 (cyclonedx.org/docs/1.6/json). It holds no
 * time, and its serial number follows from its content, so the same image has the same one.
 */
export function sbom({ arch, shipped, runtime, libraries }: SbomFacts): string {
  const { version, licence, dependsOn } = shipped.lastgasp
  const self = `pkg:generic/lastgasp@${version}?arch=${arch}`
  const content = {
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        ...{ type: 'application', 'bom-ref': self, name: 'lastgasp', version, purl: self },
        licenses: [{ license: { id: licence } }],
      },
    },
    components: [
      runtimeComponent(runtime),
      ...shipped.packages.map(packageComponent),
      ...libraries.map(libraryComponent),
    ],
    dependencies: [
      { ref: self, dependsOn: [RUNTIME, ...dependsOn.map(purlOf)] },
      { ref: RUNTIME, dependsOn: libraries.map(({ name }) => name) },
      ...shipped.packages.map((each) => ({ ref: purlOf(idOf(each)), dependsOn: each.dependsOn.map(purlOf) })),
      ...libraries.map(({ name }) => ({ ref: name })),
    ],
  }
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`
  const format = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
  }
  return `${JSON.stringify({ ...format, serialNumber, ...content }, null, 1)}\n`
}

function runtimeComponent({ sha256, pin }: KnownRuntime) {
  const hashes = [{ alg: 'SHA-256', content: sha256 }]
  const base = { type: 'platform', 'bom-ref': RUNTIME, name: 'node' }
  if (pin === undefined)
    return { ...base, hashes, properties: [{ name: 'lastgasp:runtime', value: "the builder's own" }] }
  const { version, from, proven } = pin
  const proof =
    proven === false ? 'not proven' : `${proven.archive} sha256 ${proven.sha256}, signature ${proven.signedBy}`
  return {
    ...base,
    version,
    hashes,
    licenses: [{ license: { id: 'MIT' } }],
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:npm/${from.package}@${version}`,
    properties: [
      { name: 'lastgasp:runtime:package-integrity', value: from.integrity },
      { name: 'lastgasp:runtime:published-by-node-project', value: proof },
    ],
  }
}

function packageComponent(each: ShippedPackage) {
  const [name = '', group] = each.name.split('/').reverse()
  const purl = purlOf(idOf(each))
  return {
    ...{ type: 'library', 'bom-ref': purl, ...(group !== undefined && { group }), name, version: each.version },
    hashes: [
      { alg: 'SHA-512', content: Buffer.from(each.integrity.slice('sha512-'.length), 'base64').toString('hex') },
    ],
    licenses: [{ license: { id: each.licence } }],
    purl,
  }
}

function libraryComponent({ name, sha256, owner }: SbomLibrary) {
  return {
    ...{ type: 'library', 'bom-ref': name, name, ...(owner !== undefined && { version: owner.version }) },
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    licenses: [{ expression: GCC }],
    ...(owner !== undefined && { purl: owner.purl }),
  }
}

const idOf = ({ name, version }: ShippedPackage) => `${name}@${version}`

/** `@scope/name@1.2.3` → `pkg:npm/%40scope/name@1.2.3` */
const purlOf = (id: string) => `pkg:npm/${id.replace(/^@/, '%40').replaceAll('+', '%2B')}`

/** A UUID of version 8, RFC 9562: the bits are our own, here of a hash. */
function uuidOf(text: string): string {
  const hex = hash('sha256', text)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}
