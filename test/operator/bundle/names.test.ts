import { execFileSync } from 'node:child_process'
import t from 'tap'
import { isHeeded, safeParts, unheeded } from '../../../agent/operator/bundle/names.ts'
import { shellWord } from '../../../agent/operator/terminal/shell-word.ts'

t.test('a name from a bundle leads below a directory, or nowhere', async (t) => {
  t.strictSame(safeParts('var/crash/core (1)'), ['var', 'crash', 'core (1)'])
  for (const name of ['', '/etc/passwd', '../x', 'a/../../x', 'a/./b', 'a//b', 'a/', '..', '.', 'a\0b']) {
    t.hasProp(safeParts(name), 'refused', JSON.stringify(name))
  }
  t.hasProp(safeParts('x'.repeat(256)), 'refused', 'longer than a file system takes')
  t.hasProp(safeParts('é'.repeat(128)), 'refused', 'counted in bytes')
  t.hasProp(safeParts(Array.from({ length: 2100 }, () => 'x').join('/')), 'refused', 'longer than a path may be')
})

t.test('a name that programs heed becomes one that they do not', async (t) => {
  const heeded = ['.git', 'a/.gdbinit', '.x/y', 'HEAD', 'a/head', 'a/_darcs/b', '_FOSSIL_', 'mise.toml', '...']
  const encoded = [
    '%2egit',
    'a/%2egdbinit',
    '%2ex/y',
    '%48EAD',
    'a/%68ead',
    'a/%5fdarcs/b',
    '%5fFOSSIL_',
    '%6dise.toml',
    '%2e..',
  ]
  t.strictSame(heeded.map(unheeded), encoded)
  t.strictSame([heeded.every(isHeeded), encoded.some(isHeeded)], [true, false])
  const others = ['HEAD.service', 'a.git', 'ahead', '..', '.', '../x', 'config', 'objects/x']
  t.strictSame(others.map(unheeded), others)
})

t.test('a shell reads a word as it was meant', async (t) => {
  const words = [
    'plain',
    '',
    '$(id)',
    '`id`',
    "it's",
    'a b',
    'new\nline',
    'bell\x07',
    '*',
    '~',
    '!x',
    'grün',
    '\\x41',
    '"',
  ]
  for (const word of words) {
    const read = execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })
    t.equal(read, word, JSON.stringify(word))
  }
})
