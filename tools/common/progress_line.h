#pragma once

#include <functional>
#include <string>
#include <thread>

namespace mc::tools {

/// A line on stderr that is rewritten twice a second and wiped at the end; nothing where stderr is no terminal.
class ProgressLine {
  public:
    /// `text` is called in a thread of its own; without it, no line is shown.
    explicit ProgressLine(std::function<std::string()> text);

    static bool wanted();

  private:
    std::jthread thread_;
};

}  // namespace mc::tools
