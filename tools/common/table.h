#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mc::tools {

/// Aligned columns for people to read.
class Table {
  public:
    enum class Align { Left, Right };
    struct Column {
        std::string title;
        Align align = Align::Right;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Missing cells are empty, surplus ones left out.
    void addRow(std::vector<std::string> cells);
    /// A line of titles, then the rows, two spaces between columns, none at the end.
    std::string toString() const { return Table(*this).take(); }
    /// The same, piece by piece: the rows since the last time, the titles the first time. Columns only get wider.
    std::string take();

  private:
    std::string line(const std::vector<std::string>& cells) const;

    std::vector<Column> columns_;
    std::vector<std::size_t> widths_;  // None yet: the titles are still to come.
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace mc::tools
