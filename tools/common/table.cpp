#include "common/table.h"

#include <algorithm>
#include <utility>

namespace mc::tools {
namespace {

// Columns that UTF-8 text takes: every byte but those that continue a character.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

}  // namespace

void Table::addRow(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::line(const std::vector<std::string>& cells) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths_[i] - width(cells[i]), ' ');
        if (i != 0) line += "  ";
        line += columns_[i].align == Align::Left ? cells[i] + padding : padding + cells[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string Table::take() {
    const bool first = widths_.empty();
    widths_.resize(columns_.size());
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        titles.push_back(columns_[i].title);
        widths_[i] = std::max(widths_[i], width(columns_[i].title));
        for (const auto& row : rows_)
            widths_[i] = std::max(widths_[i], width(row[i]));
    }
    std::string text = first ? line(titles) : "";
    for (const auto& row : rows_)
        text += line(row);
    rows_.clear();
    return text;
}

}  // namespace mc::tools
