import { parse } from 'smol-toml'
import t, { type Test } from 'tap'
import { locate, type Path } from '../../agent/settings/locate.ts'

/** The text with its mark `§` taken out, and where that stood. */
function marked(text: string): { text: string; line: number; column: number } {
  const before = text.split('§')[0]?.split('\n') ?? []
  return { text: text.replace('§', ''), line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

function find(t: Test, path: Path, part: 'key' | 'value', source: string): void {
  const { text, line, column } = marked(source)
  t.doesNotThrow(() => parse(text), `is TOML: ${JSON.stringify(text)}`)
  t.strictSame(locate(text, path, part), { line, column }, `${path.map(String).join('.')} in ${JSON.stringify(source)}`)
}

t.test('keys', async (t) => {
  find(t, ['a'], 'key', '§a = 1')
  find(t, ['a'], 'key', '# a = 0\n\n  §a = 1')
  find(t, ['s', 'k'], 'key', 'k = 1\n[r]\nk = 2\n[s]\n§k = 3')
  find(t, ['s', 'k'], 'key', 's.j = 1\ns . §k = 3')
  find(t, ['s', 'k'], 'key', 's = { j = 1, §k = 3 }')
  find(t, ['s', 'k'], 'key', 's = { j = { k = 1 },\n  # k\n  §k = 3, }')
  find(t, ['s', 'k'], 'key', '"s".§\'k\' = 1')
  find(t, ['s', 'k'], 'key', '"\\u0073".§"\\x6b" = 1')
  find(t, ['s'], 'key', '[§s]\nk = 1')
  find(t, ['s'], 'key', '[§s.t]\nk = 1')
  find(t, ['s', 't'], 'key', '[ s . §t ]\r\nk = 1')
  find(t, ['s'], 'key', 'a = 1\n[[§s]]\nk = 1')
  find(t, ['s', 'k'], 'key', 's = { b = "\\", k = 0", §k = 1 }')
  find(t, ['k', 'j'], 'key', '[[s]]\nk.j = 1\n[k]\n§j = 2')
  find(t, ['a.b'], 'key', 'a.b = 1\n§"a.b" = 1')
})

t.test('values', async (t) => {
  find(t, ['a'], 'value', 'a = §1')
  find(t, ['a'], 'value', 'b = "a = 0"\na =\t§"x"')
  find(t, ['a'], 'value', 'b = """\na = 0\n\\"""" # """\na = §1')
  find(t, ['a'], 'value', "b = '''\na = 0\n'''''\na = §1")
  find(t, ['a'], 'value', "b = '\\'\na = §1")
  find(t, ['a'], 'value', 'b = 2020-01-01 10:00:00 # a = 0\na = §1')
  find(t, ['s', 'l', 2], 'value', '[s]\nl = ["a", "b",\n  # "c"\n  §"c", ]')
  find(t, ['s', 'l', 1], 'value', 's = {l = [[1, 2], §[3]]}')
  find(t, ['s', 'l', 1, 0], 'value', 's = {l = [[1, 2], [§3]]}')
  find(
    t,
    ['s', 'k'],
    'value',
    '[s]\n[s.t]\nk = 1\n[r]\n[q]\nk = 2\n[p]\ns.k = 0\n[o]\n'.concat('[s.k]\n').replace('s.k]', 's.§k]'),
  )
})

t.test('the nearest table around, where the thing itself cannot be told', async (t) => {
  find(t, ['s', 1, 'k'], 'key', '[[§s]]\nk = 1\n[[s]]\nk = 2')
  find(t, ['s', 'gone'], 'key', '[§s]\nk = 1')
  t.equal(locate('a = 1', ['b'], 'key'), undefined)
})

t.test('every key of a long document', async (t) => {
  const text = [
    'store = "s3://b/p"',
    '"quoted key" = \'lit # eral\'',
    'seal = { recipients = [ "a]", \'}\' ], "deep" = { x = 1, y.z = [{ q = 1 }] } }',
    '[ s3 ] # [not.this]',
    'region = """multi\n[line]\nx = 1"""',
    'a."b.c".d = 0x10',
    '[journal."odd ] name"]',
    'limit = 1979-05-27T07:32:00Z',
  ].join('\n')
  const lines = text.split('\n')
  let keys = 0
  const visit = (value: unknown, path: string[]): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return
    for (const [key, inner] of Object.entries(value)) {
      const at = locate(text, [...path, key], 'key')
      const rest = lines[(at?.line ?? 0) - 1]?.slice((at?.column ?? 0) - 1) ?? ''
      t.ok(rest.startsWith(key) || rest.startsWith(`"${key}"`), `${[...path, key].join('.')} at "${rest}"`)
      keys += 1
      visit(inner, [...path, key])
    }
  }
  visit(parse(text), [])
  t.equal(keys, 16)
})
