// The entry point that ONNX Runtime calls when a session registers this library.

#include <exception>

#include "operator.h"

namespace layoutserve {

std::vector<Offer>& offers() {
  static std::vector<Offer> all;
  return all;
}

}  // namespace layoutserve

extern "C" __attribute__((visibility("default"))) OrtStatus* ORT_API_CALL RegisterCustomOps(
    OrtSessionOptions* options, const OrtApiBase* base) {
  // The C API is backward compatible: ask for the version of the headers, which newer releases still serve.
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    // Without an API no status can be made with it; the first version is served by every release.
    return base->GetApi(1)->CreateStatus(ORT_NOT_IMPLEMENTED,
                                         "This ONNX Runtime is older than the headers the library was built with.");
  }
  Ort::InitApi(api);
  try {
    static Ort::CustomOpDomain domain = [] {
      Ort::CustomOpDomain made{"layoutserve"};
      for (const layoutserve::Offer& offer : layoutserve::offers()) {
        if (layoutserve::fastest_isa() >= offer.least) made.Add(offer.made);
      }
      return made;
    }();
    Ort::UnownedSessionOptions{options}.Add(domain);
  } catch (const std::exception& error) {
    return Ort::Status(error).release();
  }
  return nullptr;
}
