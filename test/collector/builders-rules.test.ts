import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { loadBuildersRules, textsOf } from '../../agent/collector/builders-rules.ts'
import { hanging } from './host/open-descriptors.ts'
import { unhurried } from './reading.ts'

const DIRECTORY = 'usr/lib/lastgasp/rules.d'
const rule = (name: string) =>
  `[rules.${name}]\nkind = "failed"\nsentence = "x"\nfile = "/srv/${name}.log"\npattern = "a"\n`

function image(test: Test, files: Readonly<Record<string, string>>): string {
  const root = test.testdir()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 })
    writeFileSync(join(root, path), content, { mode: 0o644 })
  }
  return root
}

t.test('of the files of an image, those that are in order', async (t) => {
  t.same(await loadBuildersRules(image(t, {}), unhurried()), { rules: [], problems: [] })
  const root = image(t, {
    [`${DIRECTORY}/10-a.toml`]: rule('a'),
    [`${DIRECTORY}/20-again.toml`]: rule('b') + rule('a'),
    [`${DIRECTORY}/30-ours.toml`]: rule('pids'),
    [`${DIRECTORY}/40-broken.toml`]: '[rules',
    [`${DIRECTORY}/50-open.toml`]: rule('c'),
    [`${DIRECTORY}/60-d.toml`]: rule('d'),
    [`${DIRECTORY}/README`]: 'no rules',
  })
  chmodSync(join(root, DIRECTORY, '50-open.toml'), 0o666)
  const { rules, problems } = await loadBuildersRules(root, unhurried())
  t.same(
    rules.map(({ name }) => name),
    ['a', 'd'],
  )
  const wrong = [
    /20-again\.toml: there is a rule a already/,
    /30-ours\.toml: there is a rule pids already/,
    /40-broken\.toml: not TOML/,
    /50-open\.toml: everybody may write/,
  ]
  t.equal(problems.length, wrong.length)
  for (const [index, why] of wrong.entries()) t.match(problems[index], why)
})

t.test('what the rules look at: no link, and nothing that hangs', async (t) => {
  const root = image(t, {
    [`${DIRECTORY}/a.toml`]: ['long', 'link', 'hangs', 'missing', 'short'].map(rule).join(''),
    'srv/long.log': `${'x'.repeat(70_000)}end`,
    'srv/short.log': 'short',
  })
  symlinkSync('short.log', join(root, 'srv/link.log'))
  hanging(t, join(root, 'srv/hangs.log'))
  const { rules } = await loadBuildersRules(root, unhurried())
  const texts = await textsOf(root, rules, AbortSignal.timeout(300))
  t.same([...texts.keys()].toSorted(), ['/srv/long.log', '/srv/short.log'])
  t.equal(texts.get('/srv/long.log')?.length, 64 * 1024)
  t.ok(texts.get('/srv/long.log')?.endsWith('end'))
})
