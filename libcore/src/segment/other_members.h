#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mc/segment.h"

namespace mc {

/// Gathers members that are in no table, from the events of the parser that meets them.
class OtherMembersReader {
  public:
    /// The value that comes next is that of the member `key` of `object`; null: of nothing that is kept.
    void begin(OtherMembers* object, std::string_view key);
    void scalar(std::string_view text);
    void string(std::string_view value);
    void key(std::string_view name);
    void open(char bracket);
    void close(char bracket);

  private:
    void append(std::string_view text);
    void separate();
    // Leaves the member out.
    void giveUp();

    OtherMembers* object_ = nullptr;
    std::size_t start_ = 0;  // Of the member, in the object's text.
    std::size_t kept_ = 0;   // Bytes, in all objects.
    std::size_t depth_ = 0;
};

/// Makes one object of the members that were gathered: names sorted, the last of equal ones.
void finishOtherMembers(OtherMembers& members);

}  // namespace mc
