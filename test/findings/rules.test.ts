import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { KINDS } from '../../agent/bundle/keys.ts'
import { RULES } from '../../agent/findings/rules.ts'
import { signsIn } from '../../agent/findings/signs.ts'
import { readFinding } from '../../agent/wall/read-finding.ts'
import { evidenceOf, FIXTURES } from './fixtures.ts'

t.test('each rule has a file, a reason and a fixture, and its kind is one of a bundle’s', (t) => {
  const files = readdirSync(join(import.meta.dirname, '../../agent/findings/rules')).map((file) =>
    file.replace('.ts', ''),
  )
  t.same(RULES.map(({ name }) => name).toSorted(), files.filter((name) => name !== 'said-often').toSorted())
  t.same(Object.keys(FIXTURES).toSorted(), RULES.map(({ name }) => name).toSorted())
  for (const { name, kind, reason } of RULES) {
    t.ok(KINDS.includes(kind), name)
    t.match(reason, /^[A-Zs].*\.$/, name)
  }
  t.end()
})

for (const { name } of RULES)
  t.test(name, (t) => {
    const fixture = FIXTURES[name]
    if (fixture === undefined) throw new Error('it has no fixture')
    const found = signsIn(evidenceOf(fixture.evidence), RULES)
    t.same(
      found.map(({ rule, sentence }) => `${rule}: ${sentence}`),
      fixture.says.map((sentence) => `${name}: ${sentence}`),
      'it alone speaks',
    )
    for (const finding of found)
      t.same(readFinding(JSON.parse(JSON.stringify(finding))), finding, 'it crosses the wall whole')
    t.same(signsIn(evidenceOf(fixture.harmless), RULES), [], 'what only looks like it')
    t.end()
  })

t.test('of many alike the first are told, and the others are a number', (t) => {
  const descriptors = Array.from({ length: 10 }, (_, pid) => ({ who: { pid }, used: 100, most: 100 }))
  const found = signsIn(evidenceOf({ descriptors }), RULES)
  t.equal(found.length, 9)
  t.match(found.at(-1), { rule: 'descriptors', count: 2, sentence: 'There are 2 more of that kind.' })
  t.end()
})

t.test('what came after the trigger came of the shutdown', (t) => {
  const later = (at: number) => at + 3_600_000
  for (const name of ['flapping', 'network', 'names', 'certificate', 'clock', 'unit-failed']) {
    const { evidence = {} } = FIXTURES[name] ?? {}
    const moved = evidenceOf({
      ...evidence,
      failed: ['shop.service'].filter(() => evidence.failed !== undefined),
      kernel: evidence.kernel?.map((one) => ({ ...one, at: later(one.at) })) ?? [],
      lines: evidence.lines?.map((one) => ({ ...one, at: later(one.at) })) ?? [],
      restarts: evidence.restarts?.map((one) => ({ ...one, at: later(one.at) })) ?? [],
      unitFailures: evidence.unitFailures?.map((one) => ({ ...one, at: later(one.at) })) ?? [],
    })
    t.same(signsIn(moved, RULES), [], name)
  }
  t.end()
})
