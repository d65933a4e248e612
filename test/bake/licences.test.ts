import t from 'tap'
import { knownLicence, packageLicences } from '../../scripts/image/licences.ts'
import { shippedOf } from '../../scripts/image/shipped.ts'
import { INTEGRITY, write } from './tiny-image.ts'

const locked = (license?: string) => ({
  ...{ version: '1.0.0', integrity: INTEGRITY },
  ...(license !== undefined && { license }),
})
const own = { version: '1.2.3', licence: 'Apache-2.0' }

t.test('a licence that nobody has read is not shipped', async (t) => {
  t.equal(knownLicence('x', 'MIT'), 'MIT')
  for (const licence of ['GPL-3.0-only', 'SEE LICENSE IN x', 'UNLICENSED', '', undefined, '(MIT OR WTFPL)']) {
    t.throws(
      () => knownLicence('x 1.0.0', licence),
      /cannot ship x 1\.0\.0: its licence is .*known are 0BSD, .*read it/,
    )
  }
  const lock = (license?: string) => ({
    packages: { '': { dependencies: { '@a/b': '1' } }, 'node_modules/@a/b': locked(license) },
  })
  t.match(shippedOf(lock('ISC'), own).packages, [{ name: '@a/b', licence: 'ISC' }])
  t.throws(() => shippedOf(lock('BUSL-1.1'), own), /cannot ship @a\/b 1\.0\.0: its licence is "BUSL-1\.1"/)
  t.throws(() => shippedOf(lock(), own), /its licence is not named/)
  t.throws(
    () => shippedOf({ packages: { '': { dependencies: { c: '1' } }, 'node_modules/c': { version: '1' } } }, own),
    /no integrity/,
  )
})

t.test('dependencies are the ones that Node finds', async (t) => {
  const lock = {
    packages: {
      '': { dependencies: { a: '1', b: '1', missing: '1' } },
      'node_modules/a': { ...locked('MIT'), dependencies: { b: '2', c: '1', 'bare-fs': '1' } },
      'node_modules/a/node_modules/b': { ...locked('MIT'), version: '2.0.0', dependencies: { c: '1' } },
      'node_modules/b': locked('MIT'),
      'node_modules/bare-fs': locked('MIT'),
      'node_modules/c': locked('MIT'),
    },
  }
  const { lastgasp, packages } = shippedOf(lock, own)
  t.same(lastgasp.dependsOn, ['a@1.0.0', 'b@1.0.0'])
  t.same(
    packages.map(({ name, version, dependsOn }) => [name, version, dependsOn]),
    [
      ['a', '1.0.0', ['b@2.0.0', 'c@1.0.0']],
      ['b', '1.0.0', []],
      ['b', '2.0.0', ['c@1.0.0']],
      ['c', '1.0.0', []],
    ],
  )
})

t.test('every licence is there in words, each once', async (t) => {
  const lock = {
    packages: {
      '': { dependencies: { a: '1', b: '1', c: '1' } },
      'node_modules/a': locked('MIT'),
      'node_modules/b': locked('MIT'),
      'node_modules/c': locked('Apache-2.0'),
      'node_modules/dev': locked('none'),
    },
  }
  const checkout = write(t.testdir({}), {
    'node_modules/a/LICENSE': 'Permission is granted\n',
    'node_modules/b/license.md': 'Permission is granted\n',
    'node_modules/b/NOTICE': 'Written by b\n',
    'node_modules/c/index.js': '',
  })
  const text = await packageLicences(checkout, lock, 'Apache License\n')
  t.match(text, /a 1\.0\.0 \(MIT\)\nb 1\.0\.0 \(MIT\)\n=+\n\nPermission is granted\n/)
  t.match(text, /\nb 1\.0\.0 \(MIT\)\n=+\n\nWritten by b\n/)
  t.match(text, /c 1\.0\.0 \(Apache-2\.0\)\n=+\n\nApache License\n/)
  t.equal(text.split('Permission').length, 2)
  const silent = { packages: { '': { dependencies: { c: '1' } }, 'node_modules/c': locked('MIT') } }
  await t.rejects(
    packageLicences(checkout, silent, 'x'),
    /cannot ship c 1\.0\.0 \(MIT\): it brings no text of its licence/,
  )
})
