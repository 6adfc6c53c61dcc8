#pragma once

#include "nvme/host/controller.h"

namespace mc::nvme::host {

/// First in, first out, linked through HostRequest::next.
class RequestList {
  public:
    bool empty() const { return head_ == nullptr; }
    HostRequest& front() const { return *head_; }
    void push(HostRequest& request) {
        request.next = nullptr;
        (head_ == nullptr ? head_ : tail_->next) = &request;
        tail_ = &request;
    }
    HostRequest& pop() {
        HostRequest& first = *head_;
        head_ = first.next;
        return first;
    }
    /// Moves all of `other` behind what is here.
    void append(RequestList& other) {
        if (other.empty()) return;
        (head_ == nullptr ? head_ : tail_->next) = other.head_;
        tail_ = other.tail_;
        other.head_ = nullptr;
    }

  private:
    HostRequest* head_ = nullptr;
    HostRequest* tail_ = nullptr;
};

}  // namespace mc::nvme::host
