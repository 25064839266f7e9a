"""Word lists of the synthetic documents' grammar."""


def words(text: str, separator: str | None = None) -> tuple[str, ...]:
    """Split a list written as one string."""
    return tuple(part.strip() for part in text.split(separator) if part.strip())


MALAY_FIRST = words(
    "Ahmad Siti Nurul Mohd Aisyah Hafiz Azman Zainal Farid Rosli Halim Kamal Hassan Ismail Rahman Salleh Aminah "
    "Faridah Rashid Idris Yusof Osman Jamal Latif Sulaiman"
)
CHINESE_SURNAMES = words(
    "Tan Lim Lee Wong Ng Chan Ong Goh Teo Chong Yap Khoo Cheah Liew Foo Leong Koh Chew Yeoh Gan Ho Loh Soh Kok Tay "
    "Heng Sim Chua Low Pang Chin Tee Mah Hew Lau Phang Kong"
)
CHINESE_GIVEN = words(
    "Wei Ming|Kah Wai|Chee Keong|Mei Ling|Siew Lan|Boon Hock|Kok Leong|Yoke Lin|Swee Hin|Chun Kit|Hui Min|Seng Huat|"
    "Ah Kow|Kim Seng|Jia Hao|Xin Yi|Teck Soon|Bee Lian|Wai Kit|Yong Sheng|Choon Fatt|Sook Yee",
    "|",
)
INDIAN_NAMES = words("Kumar Raju Muthu Selvam Ganesan Devi Ravi Anand Suresh Priya Lakshmi Nair Pillai Maniam Siva")
AUSPICIOUS = words(
    "Huat Heng Fook Seng Hin Sin Kee Lian Mega Jaya Maju Indah Cahaya Bintang Sri Setia Mutiara Permata "
    "Wawasan Harmoni Sentosa Bahagia Gemilang Suria Perdana Megah Prima Eka Utama Murni Teguh Damai Emas "
    "Berkat Golden Lucky Happy Super Star Sunrise Eastern Pacific Oriental Royal Diamond Evergreen "
    "Century Victory United Global Uni Pro Max Smart Best First Top Neo Delta Alpha Omega Zen Orchid "
    "Lotus Dragon Phoenix Tiger Swan Ocean Pearl Crystal Hup Soon Guan Aun Chuan Thye Wah Chong Yuen Poh "
    "Siong Nam"
)
TRADES = words(
    "Hardware|Trading|Enterprise|Stationery|Bookstore|Restaurant|Restoran|Cafe|Bakery|Confectionery|"
    "Pharmacy|Farmasi|Mini Market|Supermarket|Hypermarket|Minimart|Seafood Restaurant|Electrical|"
    "Auto Parts|Auto Service|Motor|Tyre & Battery|Petroleum|Service Station|Car Park|Optical|Furniture|"
    "Home Deco|Gift & Home Deco|Kitchen|Kopitiam|Food Court|Catering|F&B|Food Industries|Marketing|"
    "Supplies|Supply|Machinery|Engineering|Plumbing|Paint & Hardware|Printing|Photo Studio|Computer|"
    "Telecommunication|Mobile|Fashion|Boutique|Textile|Shoes|Sports|Toys|Pet Shop|Clinic|Dental|Laundry|"
    "Florist|Saloon|Beauty|Nursery|Fruits|Fresh Market|Frozen Food|Tea House|Steamboat|Grill|Pizza|"
    "Burger|Bistro|Ice Cream|Noodle House|Chicken Rice|Nasi Kandar|Roti Canai|Vegetarian|Timber|Steel|"
    "Plastics|Packaging|Logistics|Express|Hotel|Inn|Karaoke|Parking|Book Centre|Music|Art & Craft|"
    "Homemart|DIY|Lighting|Aluminium|Glass|Workshop|Petrol Kiosk|Retail|Holdings|Distributors|Industries|"
    "Resources|Ventures|International|Management|Concept|Gallery|Store|Mart",
    "|",
)
MALAY_PREFIX = words(
    "Restoran|Kedai|Syarikat|Pasar Raya|Pasaraya|Kedai Makan|Perniagaan|Kedai Buku|Farmasi|Klinik|"
    "Kedai Runcit|Stesen Minyak|Syarikat Perniagaan|Gerai|Warung|Pusat|Perusahaan|Hotel|The|Kedai Papan|"
    "Kedai Kopi",
    "|",
)
MALAY_SUFFIX = words(
    "SDN BHD|SDN. BHD.|SDN BHD|Sdn Bhd|Sdn. Bhd.|S/B|(M) SDN BHD|(M) Sdn. Bhd.|ENTERPRISE|TRADING|"
    "(KL) SDN BHD|(MALAYSIA) SDN BHD|BHD|& SONS SDN BHD|PLT|& CO|(JB) SDN BHD|HOLDINGS SDN BHD|"
    "MARKETING SDN BHD|Berhad",
    "|",
)
STREET_PREFIX = words("JALAN|JALAN|JALAN|JLN|LORONG|PERSIARAN|LEBUH|JLN.|LEBUHRAYA|LRG", "|")
STREET_NAMES = words(
    "Meranti|Cempaka|Kenanga|Mawar|Seroja|Dahlia|Anggerik|Merbah|Helang|Kijang|Rusa|Pahlawan|Hang Tuah|"
    "Tun Razak|Sultan Ismail|Ampang|Ipoh|Pudu|Imbi|Klang Lama|Gombak|Sungai Besi|Tengku Ampuan|Padi|Sagu|"
    "Kelapa|Durian|Manggis|Rambutan|Ciku|Kiambang|Tasik|Bukit|Perdana|Utama|Bestari|Permai|Indah|Setia|"
    "Impian|Wawasan|Reko|Universiti|Kebudayaan|Hospital|Besar|Pasar|Bunga Raya|Dato Onn|Yap Kwan Seng|"
    "Tun Sambanthan|Loke Yew|Masjid|Stesen|Kota|Seri|Lapangan|Putra|Industri|Perusahaan|Mahkota|Bayu|"
    "Nilam|Delima|Zamrud|Intan|Mutiara|Kristal|Awan|Suria|Bulan|Bintang|Timur|Selatan|Utara|"
    "Wangsa Delima|Taming|Balakong|Canggih|Radin",
    "|",
)
AREA_PREFIX = words(
    "TAMAN|TAMAN|TAMAN|BANDAR|KAMPUNG|KAWASAN PERINDUSTRIAN|DESA|PUSAT BANDAR|TMN|SEKSYEN|PEKAN|"
    "BANDAR BARU|PUSAT PERNIAGAAN|KG.|MEDAN|WISMA|PLAZA|MENARA",
    "|",
)
TOWNS = words(
    "Kuala Lumpur:5:Wilayah Persekutuan|Petaling Jaya:46:Selangor|Shah Alam:40:Selangor|"
    "Subang Jaya:47:Selangor|Klang:41:Selangor|Kajang:43:Selangor|Puchong:47:Selangor|Rawang:48:Selangor|"
    "Seri Kembangan:43:Selangor|Ampang:68:Selangor|Cheras:56:Kuala Lumpur|Batu Caves:68:Selangor|"
    "Johor Bahru:80:Johor|Skudai:81:Johor|Masai:81:Johor|Kulai:81:Johor|Batu Pahat:83:Johor|"
    "Muar:84:Johor|Kluang:86:Johor|Segamat:85:Johor|Pasir Gudang:81:Johor|Melaka:75:Melaka|"
    "Seremban:70:Negeri Sembilan|Nilai:71:Negeri Sembilan|Ipoh:30:Perak|Taiping:34:Perak|"
    "Teluk Intan:36:Perak|Georgetown:10:Pulau Pinang|Butterworth:12:Pulau Pinang|"
    "Bukit Mertajam:14:Pulau Pinang|Bayan Lepas:11:Penang|Alor Setar:05:Kedah|Sungai Petani:08:Kedah|"
    "Kangar:01:Perlis|Kota Bharu:15:Kelantan|Kuala Terengganu:20:Terengganu|Kuantan:25:Pahang|"
    "Bentong:28:Pahang|Kuching:93:Sarawak|Miri:98:Sarawak|Sibu:96:Sarawak|Kota Kinabalu:88:Sabah|"
    "Tawau:91:Sabah|Sandakan:90:Sabah|Semenyih:43:Selangor|Sungai Buloh:47:Selangor|"
    "Kepong:52:Kuala Lumpur|Setapak:53:Kuala Lumpur|Bangi:43:Selangor|Dengkil:43:Selangor|"
    "Putrajaya:62:Wilayah Persekutuan",
    "|",
)
MALLS = words(
    "AEON MALL|PARADIGM MALL|CITY SQUARE|SUNWAY PYRAMID|MID VALLEY|IOI MALL|THE CURVE|1 UTAMA|GIANT|LOTUS'S", "|"
)
WESTERN_FIRST = words(
    "Green River Oak Maple Cedar Stone Silver Blue Red Harbor Hill Lake Sunny Corner Village Family "
    "Downtown Urban Royal Grand Prime Fresh Happy Golden Union Main Market Central Liberty Summit Valley "
    "Coast North South East West Park Bridge Mill Garden Bright Clear Swift Noble Iron Copper Willow Fox "
    "Bear Eagle Raven Lion Falcon Pioneer Heritage Metro Quick Pine Aspen Birch Coral Amber Ivory Quartz "
    "Nova Vertex Zenith Apex Orbit Lumen Halcyon Meridian Atlas Vector"
)
WESTERN_TRADES = words(
    "Market|Grocery|Foods|Diner|Cafe|Coffee|Bakery|Deli|Pharmacy|Hardware|Books|Bistro|Grill|Kitchen|"
    "Pizza|Tavern|Liquor|Gas & Go|Auto Repair|Garden Center|Pet Supply|Electronics|Outfitters|Apparel|"
    "Shoes|Toys|Office Supply|Print Shop|Salon|Spa|Fitness|Hotel|Inn|Parking|Dry Cleaners|Florist|"
    "Optical|Dental|Burger Co.|Taqueria|Sushi Bar|Ice Cream|Thrift|Furniture|Lighting|Plumbing|Cycles|"
    "Sporting Goods|Music|Art Supply|Nursery|Farm Stand|Butcher|Fish Market|Tea Room",
    "|",
)
BUSINESSES = words(
    "Consulting|Solutions|Systems|Technologies|Industries|Logistics|Engineering|Construction|Design|"
    "Media|Software|Analytics|Services|Partners|Group|Holdings|Supplies|Electric|Mechanical|Plumbing|"
    "Roofing|Landscaping|Catering|Marketing|Printing|Security|Networks|Robotics|Chemicals|Plastics|"
    "Metals|Textiles|Foods|Pharma|Biotech|Energy|Solar|Water|Freight|Aviation|Motors|Tools|Instruments|"
    "Optics|Devices|Labs|Studios|Interiors|Architects|Publishing|Legal|Insurance|Capital|Properties",
    "|",
)
PRODUCT_QUALITIES = words(
    "Fresh Organic Large Small Mini Family Premium Classic Original Hot Iced Spicy Sweet Salted Red "
    "White Black Green Blue Yellow Frozen Dried Fried Grilled Roasted Whole Light Extra Double Single "
    "Super Jumbo Natural Soft Crispy Golden Special Heavy Duty Stainless Plastic Wooden Steel Rubber "
    "Cotton Paper Glass Nylon PVC LED"
)
PRODUCT_NOUNS = words(
    "Rice|Bread|Milk|Eggs|Butter|Sugar|Flour|Coffee|Tea|Water|Cola|Juice|Chicken|Beef|Fish|Prawn|Noodle|"
    "Mee Goreng|Nasi Lemak|Nasi Goreng|Teh Tarik|Kopi O|Teh Ais|Milo Ais|Roti|Cake|Bun|Cookie|Biscuit|"
    "Chocolate|Candy|Chips|Soup|Salad|Sandwich|Burger|Fries|Pizza|Pasta|Steak|Sausage|Cheese|Yogurt|"
    "Ice Cream|Apple|Banana|Orange|Mango|Grape|Tomato|Onion|Potato|Carrot|Cabbage|Garlic|Pepper|Salt|"
    "Sauce|Oil|Vinegar|Soap|Shampoo|Toothpaste|Tissue|Towel|Detergent|Bleach|Brush|Broom|Bucket|Basket|"
    "Bag|Box|Pen|Pencil|Marker|Notebook|File|Folder|Stapler|Tape|Glue|Scissors|Ruler|Envelope|Paper A4|"
    "Calculator|Battery|Bulb|Cable|Plug|Socket|Switch|Wire|Lamp|Fan|Screw|Nail|Bolt|Nut|Hammer|Drill Bit|"
    "Saw|Pipe|Elbow|Valve|Tap|Hose|Paint|Roller|Cement|Sand|Brick|Tile|Hinge|Lock|Key|Chain|Rope|Gloves|"
    "Mask|Shirt|Pants|Socks|Shoes|Hat|Belt|Wallet|Watch|Toy Car|Doll|Puzzle|Ball|Candle|Frame|Mirror|"
    "Vase|Plate|Cup|Mug|Bowl|Spoon|Fork|Knife|Bottle|Container|Tray|Vitamin C|Paracetamol|Plaster|Cream|"
    "Lotion|Diesel|RON95|Unleaded|Engine Oil|Coolant|Wiper|Tyre|Car Wash|Parking|Delivery|Set Lunch|"
    "Set Dinner|Dessert|Steamed Fish",
    "|",
)
PRODUCT_SIZES = words(
    '500G 1KG 250ML 1L 2L 10S 12S 5KG 100G 330ML 6PCS 3/4" 1/2" 2M A4 XL L S 20CM 4X6 180G 1.5L 3IN1 50PCS'
)
SERVICES = words(
    "Consulting services|Website design|Annual maintenance|Software licence|Technical support|"
    "On-site installation|Training day|Project management|Data migration|Network cabling|Server hosting|"
    "Security audit|Translation|Copywriting|Photography|Graphic design|Legal advice|Accounting services|"
    "Payroll processing|Market research|Equipment rental|Freight charges|Packaging materials|"
    "Office cleaning|Landscaping|Electrical work|Plumbing repair|Roof inspection|Painting|Air filter|"
    "Steel brackets|Hydraulic pump|Circuit board|Laptop computer|Office chair|Standing desk|"
    "Printer toner|Monitor 27 inch|Wireless keyboard|Safety gloves|Copper wire|LED panel|Battery pack|"
    "Control unit|Pressure valve|Ball bearing|Drive belt|Paper rolls|Brochure printing|Trade fair stand|"
    "Warehouse storage|Customs clearance|Quality inspection|Prototype tooling",
    "|",
)
