import t from 'tap'
import { parseEnvironmentFile } from '../../../agent/daemon/standing/environment-file.ts'

const variables = (text: string) => Object.fromEntries(parseEnvironmentFile(text).variables)

t.test('what systemd.exec(5) says of EnvironmentFile=', async (t) => {
  const cases: readonly [text: string, is: Record<string, string>, why: string][] = [
    ['A=1\nB=2', { A: '1', B: '2' }, 'the last line needs no end'],
    ['A=1\r\nB=2\r\n', { A: '1', B: '2' }, "another system's line ends"],
    ['\n# A=1\n ;B=2\nC\nD=4', { D: '4' }, 'empty lines, comments, and lines without an equals sign'],
    ['# goes not on \\\nA=1', { A: '1' }, 'a comment is one line, since v254'],
    ['  A =  a b  \t', { A: 'a b' }, 'blanks around, not within'],
    ['A=a "b" \'c\'', { A: 'a "b" \'c\'' }, 'a quote is one only at the beginning'],
    ['A="a b"\nB=\'c d\'', { A: 'a b', B: 'c d' }, 'quoted'],
    ['A=" a "  \n', { A: ' a ' }, 'blanks within quotes'],
    ['A="a""b" \'c\'', { A: 'abc' }, 'quoted pieces one after the other'],
    ["A='a\nb=\\n'\nC=1", { A: 'a\nb=\\n', C: '1' }, 'verbatim, over lines'],
    ['A="a\nb\\\nc\\"\\\\\\$\\`\\n"', { A: 'a\nbc"\\$`\\n' }, "a double quote's escapes, and all else as it stands"],
    ['A=a\\ b\\\\\\c \\\n d\nB=1', { A: 'a b\\c  d', B: '1' }, 'escapes without quotes, and a line that goes on'],
    ['A=a\\ ', { A: 'a ' }, 'a blank that is escaped stays'],
    ['A=1\nA=2', { A: '2' }, 'the last one holds'],
    ['A=\nB=""', { A: '', B: '' }, 'empty'],
    ['A=b=c#d;e', { A: 'b=c#d;e' }, 'these are nothing within a value'],
    ["A='never closed\nB=1", { A: 'never closed\nB=1' }, 'a quote without its end'],
    ['A=ends here\\', { A: 'ends here' }, 'an escape of nothing'],
  ]
  for (const [text, is, why] of cases) t.strictSame(variables(text), is, `${why}: ${JSON.stringify(text)}`)
})

t.test('what no variable can be called is told, without its value', async (t) => {
  const { variables, unusable } = parseEnvironmentFile('export A=secret\n1B=secret\n=secret\nC=1')
  t.strictSame([...variables], [['C', '1']])
  t.strictSame(unusable, ['export A', '1B', ''])
})
