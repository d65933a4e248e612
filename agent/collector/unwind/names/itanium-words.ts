const pairs = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .trim()
      .split(/\n/)
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  )

/** Itanium C++ ABI, 5.1.5.2 "Builtin Types". */
export const BUILTIN = pairs(`
v void
w wchar_t
b bool
c char
a signed char
h unsigned char
s short
t unsigned short
i int
j unsigned int
l long
m unsigned long
x long long
y unsigned long long
n __int128
o unsigned __int128
f float
d double
e long double
g __float128
z ...
Dd decimal64
De decimal128
Df decimal32
Dh half
Di char32_t
Ds char16_t
Du char8_t
Da auto
Dc decltype(auto)
Dn decltype(nullptr)
`)

/** Itanium C++ ABI, 5.1.3 "Operator Encodings". */
export const OPERATORS = pairs(`
nw new
na new[]
dl delete
da delete[]
aw co_await
ps +
ng -
ad &
de *
co ~
pl +
mi -
ml *
dv /
rm %
an &
or |
eo ^
aS =
pL +=
mI -=
mL *=
dV /=
rM %=
aN &=
oR |=
eO ^=
ls <<
rs >>
lS <<=
rS >>=
eq ==
ne !=
lt <
gt >
le <=
ge >=
ss <=>
nt !
aa &&
oo ||
pp ++
mm --
cm ,
pm ->*
pt ->
cl ()
ix []
qu ?
`)

/** Itanium C++ ABI, 5.1.8 "Compression": the short name, and that which is told where something in it is named. */
export const STANDARD: Readonly<Record<string, readonly [string, string?]>> = {
  t: ['std'],
  a: ['std::allocator'],
  b: ['std::basic_string'],
  s: ['std::string', 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >'],
  i: ['std::istream', 'std::basic_istream<char, std::char_traits<char> >'],
  o: ['std::ostream', 'std::basic_ostream<char, std::char_traits<char> >'],
  d: ['std::iostream', 'std::basic_iostream<char, std::char_traits<char> >'],
}
