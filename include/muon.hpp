/// muon.hpp - libmuon for C++17 and later: muon.h with objects, exceptions and spans.
///
/// Copyright (c) 2026 the libmuon authors. MIT licence.
///
/// Nothing but inline functions over muon.h, which is the manual: formulas, defaults, ownership,
/// threads. A complete program:
///
///     #include <muon.hpp>
///     #include <iostream>
///     #include <vector>
///     int main() {
///       std::vector<float> w{1, 2, 3, 4, 5, 6}, w_grad{1, 0, 0, 0, 1, 0};
///       std::vector<float> b{0, 0}, b_grad{1, -1};
///       muon::Muon muon({{"w", {2, 3}, w, w_grad}}, muon::MuonOptions().set_lr(0.05));
///       muon::AdamW adamw({{"b", {2}, b, b_grad}});
///       muon::Scheduler scheduler(muon::Schedule::cosine(100), {muon, adamw});
///       for (int step = 0; step < 100; step++) {
///         muon::step({muon, adamw});
///         scheduler.step();
///       }
///       std::cout << w[0] << " " << b[0] << "\n";
///     }
///
/// Build it with: c++ -std=c++17 example.cpp -lmuon
///
/// Errors. A call that fails throws muon::Error, with status() and the library's text in what().
///   Functions marked noexcept cannot fail.
/// Objects own what they are made for, move and do not copy, are as large as a pointer, and free it
///   when they are destroyed, in any order. Buffers stay yours: see Parameter.
/// Cost. A call is the call of muon.h and one comparison. Only checkpoints, what makes something,
///   and what takes or returns text or a list allocate; step(), zero_grad() and the rates do not, with
///   an OptimizerList that was made before.
#ifndef MUON_HPP
#define MUON_HPP

#include <muon/builders.hpp>
#include <muon/checkpoint.hpp>
#include <muon/defaults.hpp>
#include <muon/enums.hpp>
#include <muon/error.hpp>
#include <muon/exchange.hpp>
#include <muon/log.hpp>
#include <muon/names.hpp>
#include <muon/numbers.hpp>
#include <muon/optimizer.hpp>
#include <muon/optimizer_list.hpp>
#include <muon/optimizers.hpp>
#include <muon/option_types.hpp>
#include <muon/options.hpp>
#include <muon/orthogonalize.hpp>
#include <muon/parameter.hpp>
#include <muon/runtime.hpp>
#include <muon/schedule.hpp>
#include <muon/scheduler.hpp>
#include <muon/span.hpp>
#include <muon/statistics.hpp>

#endif  // MUON_HPP
