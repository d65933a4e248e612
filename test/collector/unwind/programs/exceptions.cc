// Threads that wait in the middle of C++: in a destructor while an exception unwinds, in a catch block, in a lambda below std::sort and std::function.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

static std::atomic<int> arrived;

[[gnu::noinline]] static void wait_here() {
  arrived++;
  for (;;) pause();
}

struct Waits {
  std::string name;
  ~Waits() { wait_here(); }
};

template <typename T> [[gnu::noinline]] static int thrower(T depth, const std::string &why) {
  if (depth == 0) throw std::runtime_error(why);
  std::string copy = why + "!";
  return thrower(depth - 1, copy) + static_cast<int>(copy.size());
}

static void in_destructor() {
  try {
    Waits waits{"a name that is too long to be kept within the object"};
    std::printf("%d", thrower(3L, waits.name));
  } catch (const std::exception &) {
  }
}

static void in_catch() {
  try {
    thrower(2, "why");
  } catch (const std::exception &error) {
    std::map<std::string, int> seen{{error.what(), 1}};
    wait_here();
  }
}

static void in_sort() {
  std::vector<int> numbers(100);
  for (int n = 0; n < 100; n++) numbers[n] = (n * 37) % 101;
  std::function<bool(int, int)> less = [&](int one, int other) {
    if (one == 50) [deep = numbers] { (void)deep; wait_here(); }();
    return one < other;
  };
  std::sort(numbers.begin(), numbers.end(), less);
}

int main() {
  std::vector<std::thread> threads;
  for (auto work : {in_destructor, in_catch, in_sort}) threads.emplace_back([work] { work(); });
  while (arrived < 3) usleep(1000);
  std::puts("ready");
  std::fflush(stdout);
  wait_here();
}
