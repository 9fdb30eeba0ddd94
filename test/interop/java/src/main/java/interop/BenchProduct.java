package interop;

import com.netflix.hollow.core.write.objectmapper.HollowHashKey;
import com.netflix.hollow.core.write.objectmapper.HollowInline;
import com.netflix.hollow.core.write.objectmapper.HollowPrimaryKey;
import com.netflix.hollow.core.write.objectmapper.HollowTypeName;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A product as users of Java Hollow declare it; what the library makes of it are {@link BenchData#SCHEMAS}. */
@HollowTypeName(name = "Product")
@HollowPrimaryKey(fields = "id")
final class BenchProduct {
  final long id;
  @HollowInline final String sku;
  @HollowInline final String title;
  final int price;
  final String currency;
  final int categoryId;
  final boolean active;
  @HollowInline final Float rating;
  @HollowHashKey(fields = "value") final Set<String> tags;
  @HollowHashKey(fields = "value") final Map<String, String> attributes;

  BenchProduct(BenchData.Product product) {
    id = product.id();
    sku = product.sku();
    title = product.title();
    price = product.price();
    currency = product.currency();
    categoryId = product.categoryId();
    active = product.active();
    rating = product.rating();
    tags = new HashSet<>(List.of(product.tags()));
    attributes = new HashMap<>();
    String[] entries = product.attributes();
    for (int i = 0; i < entries.length; i += 2) attributes.put(entries[i], entries[i + 1]);
  }
}
