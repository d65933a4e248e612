import { readFile } from 'node:fs/promises'
import t from 'tap'
import { buildersRules } from '../../../agent/findings/builders/rules.ts'
import type { Evidence } from '../../../agent/findings/evidence.ts'
import { signsIn } from '../../../agent/findings/signs.ts'
import { BEGAN, evidenceOf } from '../fixtures.ts'

const page = await readFile(new URL('../../../agent/findings/RULES.md', import.meta.url), 'utf8')
const EXAMPLE = /```toml\n(.*?)```/s.exec(page)?.[1] ?? ''
const rules = buildersRules(EXAMPLE)
const told = (evidence: Partial<Evidence>) =>
  signsIn(evidenceOf(evidence), rules).map(({ kind, rule, subject, count, sentence }) =>
    [kind, rule, subject.unit ?? '-', count ?? '-', sentence].join(' '),
  )
const line = (text: string, unit = 'shop1.service', seconds = 10) => ({ unit, text, at: BEGAN - seconds * 1000 })
const EMPTY = 'pool timeout after 30 ms'

t.test('lines of services', (t) => {
  const lines = [line(EMPTY), line(EMPTY), line(EMPTY)]
  t.same(told({ lines }), ['exhausted pool-empty shop1.service 3 The shop had no connection to its database left.'])
  t.same(told({ lines: lines.slice(1) }), [], 'twice is not thrice')
  t.same(told({ lines: [...lines.slice(1), line(EMPTY, 'shop2.service')] }), [], 'nor of two')
  t.same(told({ lines: [...lines.slice(1), line(EMPTY, 'other.service')] }), [])
  t.same(told({ lines: [...lines.slice(1), line(EMPTY, 'shop1.service', 301)] }), [], 'too long ago')
  t.same(told({ lines: [...lines.slice(1), line(EMPTY, 'shop1.service', -1)] }), [], 'after the trigger')
  t.end()
})

t.test('lines of a file, a number in one, and the history', (t) => {
  const text = (path: string, content: string) => ({ texts: new Map([[path, content]]) })
  t.same(told(text('/srv/ledger/state.log', 'ok\nE 7 torn write\nok\n')), [
    'failed half-written - 1 The ledger was left half written.',
  ])
  t.same(told(text('/srv/ledger/state.log', 'x E 7 torn write\n')), [])
  const meminfo = (kib: number) => text('/proc/meminfo', `MemTotal: 9 kB\nDirty:    ${kib} kB\n`)
  t.same(told(meminfo(2 * 1024 ** 2 + 1)), ['exhausted huge-backlog - - Dirty pages had piled up.'])
  t.same(told(meminfo(2 * 1024 ** 2)), [])
  t.same(told(text('/proc/meminfo', 'Dirty: much\n')), [])
  const grown = (mib: number) => ({
    history: {
      memory: [
        {
          unit: 'cache.service',
          points: [
            { at: BEGAN - 60_000, bytes: 0 },
            { at: BEGAN - 1000, bytes: mib * 2 ** 20 },
          ],
        },
      ],
    },
  })
  t.same(told(grown(1024)), ['exhausted cache-leak cache.service - The cache had grown without an end.'])
  t.same(told(grown(1023)), [])
  const [low] = buildersRules('[rules.low]\nkind = "exhausted"\nsentence = "x"\nfile = "/sys/x"\nbelow = 5')
  t.equal(low?.look(evidenceOf(text('/sys/x', '4\n'))).length, 1)
  t.match(low?.look(evidenceOf(text('/sys/x', '4\n')))[0]?.evidence, [{ artifact: 'facts.tar.zst', entry: 'sys/x' }])
  t.equal(low?.look(evidenceOf(text('/sys/x', '5\n'))).length, 0)
  t.end()
})

t.test('what is wrong with a file is told, with its place', (t) => {
  const rule = (...more: readonly string[]) => `[rules.a]\nkind = "failed"\nsentence = "x"\n${more.join('\n')}\n`
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['rules = 1', /^rules: /],
    ['[rules.a', /^not TOML: line 1/],
    ['', /rules/],
    ['[rules.A]\nkind = "failed"', /rules\.A/],
    [rule('pattern = "a"', 'colour = 1'), /^rules\.a: .*colour/],
    [rule('pattern = "(a"'), /^rules\.a\.pattern: cannot read the pattern "\(a": a parenthesis is not closed/],
    [rule('pattern = "a"').replace('"failed"', '"healthy"'), /^rules\.a\.kind/],
    [rule('pattern = "a"').replace('"x"', '"\\u001b[2J"'), /^rules\.a\.sentence/],
    [rule('pattern = "a"').replace('"x"', `"${'x'.repeat(161)}"`), /^rules\.a\.sentence/],
    [rule('pattern = "a"', 'file = "relative"'), /^rules\.a\.file/],
    [rule('pattern = "a"', 'within = "1h"'), /^rules\.a\.within/],
    [rule('pattern = "a"', 'times = 0'), /^rules\.a\.times/],
    [rule(), /either a pattern, or above or below, or grew/],
    [rule('pattern = "a"', 'grew = "1GiB"', 'unit = "a"'), /either a pattern/],
    [rule('above = 1'), /of a number in a file/],
    [rule('grew = "1GiB"'), /grew is of a unit/],
    [rule('pattern = "a"', 'file = "/a"', 'unit = "a"'), /no unit/],
    [rule('pattern = "a"', 'field = "a"', 'file = "/a"'), /a field is of above and below/],
    [Array.from({ length: 33 }, (_, n) => rule('pattern = "a"').replace('.a]', `.a${n}]`)).join(''), /at most 32/],
  ]
  for (const [content, why] of wrong) t.throws(() => buildersRules(content), why, content.slice(0, 60))
  t.end()
})
