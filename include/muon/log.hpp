/// What the library has to say besides errors. It never prints.
#ifndef MUON_LOG_HPP
#define MUON_LOG_HPP

#include <muon/enums.hpp>
#include <muon/error.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace muon {

/// Takes a message: UTF-8 in one line, valid during the call. What it throws is dropped.
using LogHandler = std::function<void(LogLevel level, std::string_view message)>;

namespace detail {

struct LogReceiver {
  LogHandler handler;
  LogLevel up_to;
};

/// Who is told, for the C callback, which finds it here rather than by a pointer of its own: one
/// that is replaced from inside a handler lives on until it has returned.
class Log {
 public:
  using Receiver = std::shared_ptr<const LogReceiver>;

  /// Sets who is told; null for nobody. Where the library refuses it, nothing has changed.
  static void set(const Receiver &next) {
    const Receiver before = exchange(next);
    try {
      // Again where another thread has set its own meanwhile, so that the library has the level of
      // the latest. No lock is held here: the library waits for handlers, which may call this.
      Receiver told;
      do {
        told = current();
        const LogLevel up_to = told ? told->up_to : LogLevel::error;
        check(muon_set_log_callback(static_cast<muon_log_level>(up_to), told ? tell : nullptr,
                                    nullptr));
      } while (told != current());
    } catch (...) {
      replace(next, before);
      throw;
    }
  }

 private:
  static void tell(muon_log_level level, const char *message, void *) noexcept {
    try {
      const Receiver receiver = current();
      // The library may not yet have its level.
      if (receiver && static_cast<LogLevel>(level) <= receiver->up_to)
        receiver->handler(static_cast<LogLevel>(level), message);
    } catch (...) {  // must not cross the C interface
    }
  }

  static Receiver current() {
    const std::lock_guard<std::mutex> lock(log().mutex_);
    return log().receiver_;
  }
  static Receiver exchange(const Receiver &next) {
    const std::lock_guard<std::mutex> lock(log().mutex_);
    return std::exchange(log().receiver_, next);
  }
  static void replace(const Receiver &expected, const Receiver &next) {
    const std::lock_guard<std::mutex> lock(log().mutex_);
    if (log().receiver_ == expected) log().receiver_ = next;
  }

  /// Never destroyed: the library may have something to say until the process ends.
  static Log &log() {
    static Log &only = *new Log;
    return only;
  }

  std::mutex mutex_;
  Receiver receiver_;
};

}  // namespace detail

/// Sets who is told of messages up to a level, in the whole process, in place of the handler
/// before; nullptr for nobody, which is the default. Error: Status::invalid_argument for a level
/// that does not exist; then the handler before stays.
///
/// The handler runs on the thread whose call caused the message, just before that call returns. If
/// several threads make calls, it may run on several at once. It may call the library, and this
/// function; messages that this causes are dropped. After a handler was set, the first optimizer or
/// orthogonalization tells it how the library runs and what is wrong with that.
///
/// When this returns, the handler before is not running on any other thread, is not called again,
/// and is destroyed. Therefore do not hold a lock here that it waits for. Called from inside a
/// handler, this does not wait, and a handler that still runs is destroyed after it has returned.
/// Set nullptr before anything that the handler refers to is destroyed, for instance at the end of
/// main.
inline void set_log_handler(LogHandler handler, LogLevel up_to = LogLevel::warning) {
  detail::Log::Receiver receiver;
  if (handler)
    receiver = std::make_shared<const detail::LogReceiver>(
        detail::LogReceiver{std::move(handler), up_to});
  detail::Log::set(receiver);
}

}  // namespace muon

#endif  // MUON_LOG_HPP
