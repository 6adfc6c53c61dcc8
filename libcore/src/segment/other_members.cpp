#include "segment/other_members.h"

#include <nlohmann/json.hpp>

namespace mc {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxKept = 1 << 20;
constexpr std::size_t kMaxDepth = 64;

std::string write(const json& value) {
    return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace

void OtherMembersReader::begin(OtherMembers* object, std::string_view key) {
    object_ = object;
    depth_ = 0;
    if (object == nullptr) return;
    start_ = object->size();
    this->key(key);
}

void OtherMembersReader::scalar(std::string_view text) {
    separate();
    append(text);
}

void OtherMembersReader::string(std::string_view value) {
    if (object_ != nullptr) scalar(write(value));
}

void OtherMembersReader::key(std::string_view name) {
    if (object_ == nullptr) return;
    separate();
    append(write(name) + ":");
}

void OtherMembersReader::open(char bracket) {
    separate();
    append({&bracket, 1});
    if (++depth_ > kMaxDepth) giveUp();
}

void OtherMembersReader::close(char bracket) {
    append({&bracket, 1});
    --depth_;
}

void OtherMembersReader::append(std::string_view text) {
    if (object_ == nullptr) return;
    kept_ += text.size();
    object_->append(text);
    if (kept_ > kMaxKept) giveUp();
}

void OtherMembersReader::giveUp() {
    if (object_ == nullptr) return;
    kept_ -= object_->size() - start_;
    object_->resize(start_);
    object_ = nullptr;
}

void OtherMembersReader::separate() {
    constexpr std::string_view kOpening = "[{:";
    if (object_ != nullptr && !object_->empty() && !kOpening.contains(object_->back())) append(",");
}

void finishOtherMembers(OtherMembers& members) {
    if (!members.empty()) members = write(json::parse("{" + members + "}"));
}

}  // namespace mc
